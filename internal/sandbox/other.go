//go:build !linux

package sandbox

func confine(Rules) (Report, error) {
	return Report{Missing: []string{"this system has neither Landlock nor seccomp"}}, nil
}
