# Sets a Redmine up as docs/operations.md says, with an administrator's key
# besides, and prints what the test needs to know of it.
Setting.rest_api_enabled = '1'
raise 'no default data' if IssueStatus.count < 6

trackers = Tracker.order(:position).first(3)
project = Project.create!(name: 'Pengaduan', identifier: 'pengaduan', is_public: false, enabled_module_names: ['issue_tracking'], trackers: trackers)
Project.create!(name: 'Lain', identifier: 'lain', is_public: false, enabled_module_names: ['issue_tracking'], trackers: trackers)
field = IssueCustomField.create!(name: 'Rujukan', field_format: 'string', is_filter: true, searchable: true, is_for_all: true, trackers: trackers)

role = Role.create!(name: 'Penerus', permissions: %i[view_issues add_issues], issues_visibility: 'own')
user = User.new(firstname: 'Penerus', lastname: 'Contoh', mail: 'penerus@suluh.example', language: 'en')
user.login = 'penerus'
user.password = user.password_confirmation = SecureRandom.hex(12)
user.save!
Member.create!(project: project, principal: user, roles: [role])

admin = User.find_by!(login: 'admin')
admin.update_columns(must_change_passwd: false)
puts({ key: user.api_key, admin: admin.api_key, field: field.id, trackers: trackers.map { |t| [t.id, t.name] }, statuses: IssueStatus.pluck(:name, :id).to_h }.to_json)
