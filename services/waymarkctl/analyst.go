package waymarkctl

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
)

// analystCommand prints what makes users of ClickHouse's, and connects to none: who may make users there is rarely who runs the pipeline.
type analystCommand struct {
	New      analystNewCommand      `cmd:"" help:"Make a user who sees the rows of one account and changes nothing: print the password, once, and what makes the user."`
	Rights   analystRightsCommand   `cmd:"" help:"Print what gives such a user the rights of this version, after an upgrade; the password stays."`
	Operator analystOperatorCommand `cmd:"" help:"Make a user who sees the rows of all accounts and the server's own figures, for dashboards."`
}

// A readerOf is what the commands have in common.
type readerOf struct {
	Region string `help:"The region." placeholder:"R"`
}

func (c *readerOf) reader(env *environment, user, account string) (clickhouse.Reader, error) {
	_, region, err := env.cfg.region(c.Region)
	if err != nil {
		return clickhouse.Reader{}, err
	}
	return clickhouse.Reader{
		User: user, Account: account, Databases: []string{region.ClickHouse.Database}, Cluster: region.ClickHouse.Tables.Cluster,
	}, nil
}

type analystNewCommand struct {
	readerOf
	Account string `arg:"" help:"The account's id."`
	User    string `help:"The user's name. Default: analyst_ACCOUNT." placeholder:"NAME"`
	Format  string `help:"sql: statements; xml: a file for the server's users.d." enum:"sql,xml" default:"sql"`
}

// analystOf is a user's name where none is said.
func analystOf(user, account string) string {
	if user == "" {
		return "analyst_" + account
	}
	return user
}

// Run keeps nothing: who loses the password runs it again.
func (c *analystNewCommand) Run(env *environment) error {
	if !accountPattern.MatchString(c.Account) {
		return errors.New("ACCOUNT: want 1–64 characters of a–z, 0–9, '-', '_'")
	}
	r, err := c.reader(env, analystOf(c.User, c.Account), c.Account)
	if err != nil {
		return err
	}
	return makeReader(env, r, c.Format)
}

type analystRightsCommand struct {
	readerOf
	Account string `arg:"" help:"The account's id."`
	User    string `help:"The user's name. Default: analyst_ACCOUNT." placeholder:"NAME"`
}

// Run prints statements alone, so that they can be piped.
func (c *analystRightsCommand) Run(env *environment) error {
	if !accountPattern.MatchString(c.Account) {
		return errors.New("ACCOUNT: want 1–64 characters of a–z, 0–9, '-', '_'")
	}
	r, err := c.reader(env, analystOf(c.User, c.Account), c.Account)
	if err != nil {
		return err
	}
	return printReader(env, r, "sql")
}

type analystOperatorCommand struct {
	readerOf
	User   string `arg:"" help:"The user's name."`
	Format string `help:"sql: statements; xml: a file for the server's users.d." enum:"sql,xml" default:"sql"`
}

// Run is analystNewCommand's, without an account.
func (c *analystOperatorCommand) Run(env *environment) error {
	r, err := c.reader(env, c.User, "")
	if err != nil {
		return err
	}
	return makeReader(env, r, c.Format)
}

// makeReader prints a new password on standard error and what makes the user on standard output, which can be piped.
func makeReader(env *environment, r clickhouse.Reader, format string) error {
	random := make([]byte, keyBytes)
	if _, err := rand.Read(random); err != nil {
		return fmt.Errorf("random bytes: %w", err)
	}
	password := base64.RawURLEncoding.EncodeToString(random)
	hash := sha256.Sum256([]byte(password))
	r.PasswordSHA256 = hex.EncodeToString(hash[:])
	if err := printReader(env, r, format); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.stderr, "The password of %s is kept nowhere: note it now.\n\n%s\n\n", r.User, password)
	return err
}

func printReader(env *environment, r clickhouse.Reader, format string) error {
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		return err
	}
	if format == "xml" {
		file, err := schema.ReaderFile(r)
		if err != nil {
			return err
		}
		_, err = io.WriteString(env.stdout, file)
		return err
	}
	statements, err := schema.ReaderStatements(r)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		fmt.Fprintf(env.stdout, "%s;\n", statement)
	}
	return nil
}
