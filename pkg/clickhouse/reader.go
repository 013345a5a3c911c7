package clickhouse

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// A Reader is a user of ClickHouse's who asks and changes nothing: an analyst, who sees one account, or an operator, who sees every account and the
// server's own tables.
//
// What a reader may do is the same in both forms that it is printed in: as statements, for a server whose users are made in SQL, and as a users
// file, for one whose users come from a file.
type Reader struct {
	// User is ClickHouse's name of them: a–z, 0–9, '_' and '-', from a letter on, 63 at most.
	User string
	// PasswordSHA256 is the hash of the password, hexadecimal. Empty, in statements only, leaves the user's password as it is.
	PasswordSHA256 string
	// Account is the one whose rows an analyst sees, 1–64 of a–z, 0–9, '_' and '-'.
	Account string
	// Operator sees the rows of all accounts, and has no Account.
	Operator bool
	// Databases are one a region, made from the schema.
	Databases []string
	// Cluster is where the statements are carried out. Empty: on the server that is asked.
	Cluster string
}

// A Limit is a setting or a resource, and the most of it.
type Limit struct {
	Name string
	Max  int64
}

// readerLimits are what one query may take. A reader may make a setting lower, but neither higher nor, since 0 means none, zero.
var readerLimits = []Limit{
	{"max_execution_time", 120},                                  // seconds
	{"max_memory_usage", 8_000_000_000},                          // bytes
	{"max_memory_usage_for_user", 16_000_000_000},                // bytes, of all that the user asks at once
	{"max_temporary_data_on_disk_size_for_user", 50_000_000_000}, // bytes
	{"max_rows_to_read", 2_000_000_000},
	{"max_result_rows", 20_000_000},
	{"max_threads", 8},
	{"max_concurrent_queries_for_user", 50},
}

// A Quota is what all of a reader's queries of an hour may take.
type Quota struct {
	Name   string
	Limits []Limit
}

// An analyst's quota is for a team and its dashboards; an operator's, who is asked for every screen on a wall, keeps out what runs wild.
var (
	analystQuota = Quota{"waymark_analyst", []Limit{
		{"queries", 20_000}, {"errors", 2_000}, {"result_rows", 200_000_000}, {"read_rows", 50_000_000_000}, {"execution_time", 7_200}, // seconds, together
	}}
	operatorQuota = Quota{"waymark_operator", []Limit{
		{"queries", 200_000}, {"errors", 20_000}, {"result_rows", 200_000_000}, {"read_rows", 500_000_000_000}, {"execution_time", 36_000},
	}}
)

// Quota is the one of the reader's kind.
func (r Reader) Quota() Quota {
	if r.Operator {
		return operatorQuota
	}
	return analystQuota
}

// Accounted are the schema's tables whose rows say of which account they are. No reader of one account may read another table, and each of these has a
// row policy of theirs.
func (s Schema) Accounted() (tables []string) {
	for _, m := range s.Migrations {
		if m.Table != "" && accountColumn.MatchString(m.Text) {
			tables = append(tables, m.Table)
		}
	}
	return tables
}

var accountColumn = regexp.MustCompile(`(?m)^\s+account_id\s`)

// Readable are the tables and views that a reader may read. Materialized views are not among them: one shows the rows of the table that it fills, without that
// table's row policies.
func (s Schema) Readable() []string {
	readable := s.Accounted()
	for _, v := range s.Views {
		readable = append(readable, v.Name)
	}
	return readable
}

// operatorTables are those of the server that dashboards ask.
var operatorTables = []string{
	"asynchronous_metrics", "clusters", "disks", "errors", "events", "merges", "metrics", "mutations", "parts", "processes", "replicas", "replication_queue",
}

// What these match stands between quotes: no quote, backslash or space is among it.
var (
	readerUser    = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	readerAccount = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	sha256Hex     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (r Reader) validate() error {
	switch {
	case !readerUser.MatchString(r.User):
		return errors.New("user: want a letter of a–z, then at most 62 of a–z, 0–9, '_', '-'")
	case r.Operator && r.Account != "":
		return errors.New("account: want none for an operator")
	case !r.Operator && !readerAccount.MatchString(r.Account):
		return errors.New("account: want 1–64 characters of a–z, 0–9, '-', '_'")
	case r.PasswordSHA256 != "" && !sha256Hex.MatchString(r.PasswordSHA256):
		return errors.New("password: want a SHA-256, 64 hexadecimal digits")
	case len(r.Databases) == 0:
		return errors.New("databases: want one")
	case slices.ContainsFunc(r.Databases, func(d string) bool { return !identifier.MatchString(d) }):
		return errors.New("databases: want letters, digits and underscores, at most 64")
	case r.Cluster != "" && !clusterName.MatchString(r.Cluster):
		return errors.New("cluster: want the name of a cluster")
	}
	return nil
}

// ReaderStatements returns what makes r, or brings r up to this version of the schema. Each can be repeated. They need access management.
func (s Schema) ReaderStatements(r Reader) ([]string, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	text, err := fillReaders(readerSQL, s, []Reader{r})
	if err != nil {
		return nil, err
	}
	var statements []string
	for statement := range strings.SplitSeq(text, ";\n") {
		if statement = strings.TrimSpace(statement); statement != "" {
			statements = append(statements, statement)
		}
	}
	return statements, nil
}

// ReaderFile returns a users file with readers, to lie among others in the server's users.d. Each needs a password.
func (s Schema) ReaderFile(readers ...Reader) (string, error) {
	for _, r := range readers {
		if err := r.validate(); err != nil {
			return "", err
		}
		if r.PasswordSHA256 == "" {
			return "", fmt.Errorf("user %s: a users file needs a password", r.User)
		}
		if r.Cluster != "" {
			return "", fmt.Errorf("user %s: a users file is one server's", r.User)
		}
	}
	return fillReaders(readerXML, s, readers)
}

// granted is what each of r's rights is on.
func (s Schema) granted(r Reader) (on []string) {
	for _, database := range r.Databases {
		for _, name := range s.Readable() {
			on = append(on, database+"."+name)
		}
	}
	if r.Operator {
		for _, name := range operatorTables {
			on = append(on, "system."+name)
		}
	}
	return on
}

func fillReaders(text string, s Schema, readers []Reader) (string, error) {
	t, err := template.New("reader").Funcs(template.FuncMap{
		"limits":     func() []Limit { return readerLimits },
		"quotas":     func() []Quota { return []Quota{analystQuota, operatorQuota} },
		"accounted":  s.Accounted,
		"granted":    s.granted,
		"on_cluster": Tables{Cluster: readers[0].Cluster}.onCluster,
	}).Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, readers)
	return out.String(), err
}

var (
	//go:embed sql/reader.sql
	readerSQL string
	//go:embed sql/readers.xml
	readerXML string
)
