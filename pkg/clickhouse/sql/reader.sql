{{- range $r := .}}
{{- if not .Operator}}SELECT throwIf(
    arrayMap(part -> toUInt32(part), splitByChar('.', version())) < [26, 7, 6, 49],
    'ClickHouse before 26.7.6.49 has ways round row policies (the table function mergeTreeIndex) and limits (SETTINGS of a subquery): update it before an analyst sees one account');
{{end -}}
CREATE SETTINGS PROFILE IF NOT EXISTS `waymark_reader`{{on_cluster}};
ALTER SETTINGS PROFILE `waymark_reader`{{on_cluster}} SETTINGS readonly = 2, log_queries = true CONST{{range limits}}, {{.Name}} = {{.Max}} MIN 1 MAX {{.Max}}{{end}};
{{- if .PasswordSHA256}}
CREATE USER IF NOT EXISTS `{{.User}}`{{on_cluster}} IDENTIFIED WITH sha256_hash BY '{{.PasswordSHA256}}';
{{- end}}
ALTER USER `{{.User}}`{{on_cluster}}{{if .PasswordSHA256}} IDENTIFIED WITH sha256_hash BY '{{.PasswordSHA256}}'{{end}} SETTINGS PROFILE `waymark_reader`;
CREATE QUOTA IF NOT EXISTS `waymark_reader_{{.User}}`{{on_cluster}};
ALTER QUOTA `waymark_reader_{{.User}}`{{on_cluster}} KEYED BY user_name FOR INTERVAL 1 hour MAX {{range $i, $q := .Quota.Limits}}{{if $i}}, {{end}}{{.Name}} = {{.Max}}{{end}} TO `{{.User}}`;
{{- if not .Operator}}
{{- range $database := .Databases}}{{range accounted}}
CREATE ROW POLICY OR REPLACE `waymark_reader_{{$r.User}}`{{on_cluster}} ON `{{$database}}`.`{{.}}` FOR SELECT USING account_id = '{{$r.Account}}' TO `{{$r.User}}`;
{{- end}}{{end}}
{{- end}}
GRANT{{on_cluster}} {{range $i, $name := granted .}}{{if $i}}, {{end}}SELECT ON {{$name}}{{end}} TO `{{.User}}` WITH REPLACE OPTION;
{{end}}
