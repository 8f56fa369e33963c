package report

// MaxText is the most bytes of all texts of a letter.
const MaxText = 1 << 20

// Question is one of the form's texts; its words stand in the catalogue under
// intake.field and its name.
type Question struct {
	Name string
	Of   func(*Report) *string
}

// Questions are the texts of the form's parts 2 to 4.
func Questions() [3][]Question {
	return [3][]Question{
		{
			{"apa", func(r *Report) *string { return &r.What }},
			{"bagaimana", func(r *Report) *string { return &r.How }},
			{"mengapa", func(r *Report) *string { return &r.Why }},
		},
		{
			{"siapa", func(r *Report) *string { return &r.Who }},
			{"mana", func(r *Report) *string { return &r.Where }},
			{"kapan", func(r *Report) *string { return &r.When }},
		},
		{
			{"rugi", func(r *Report) *string { return &r.Loss }},
			{"saksi", func(r *Report) *string { return &r.Others }},
			{"sudah", func(r *Report) *string { return &r.Already }},
		},
	}
}
