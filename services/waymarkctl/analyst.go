package waymarkctl

import (
	"cmp"
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
	Operator analystOperatorCommand `cmd:"" help:"Make a user who sees the rows of all accounts and the server's own figures, for dashboards."`
}

type analystNewCommand struct {
	readerFlags
	Account string `arg:"" help:"The account's id."`
	User    string `help:"The user's name. Default: analyst_ACCOUNT." placeholder:"NAME"`
}

func (c *analystNewCommand) Run(env *environment) error {
	if !accountPattern.MatchString(c.Account) {
		return errors.New("ACCOUNT: want 1–64 characters of a–z, 0–9, '-', '_'")
	}
	return c.print(env, clickhouse.Reader{User: cmp.Or(c.User, "analyst_"+c.Account), Account: c.Account})
}

type analystOperatorCommand struct {
	readerFlags
	User string `arg:"" help:"The user's name."`
}

func (c *analystOperatorCommand) Run(env *environment) error {
	return c.print(env, clickhouse.Reader{User: c.User, Operator: true})
}

// readerFlags are what the commands have in common.
type readerFlags struct {
	Region       string `help:"The region." placeholder:"R"`
	Format       string `help:"sql: statements; xml: a file for the server's users.d." enum:"sql,xml" default:"sql"`
	SamePassword bool   `help:"For a user who is there: the rights of this version, after an upgrade, without a new password."`
}

// print prints what makes r on standard output, which can be piped, and a new password on standard error. It keeps nothing: who loses the password runs it
// again.
func (c *readerFlags) print(env *environment, r clickhouse.Reader) error {
	_, region, err := env.cfg.region(c.Region)
	if err != nil {
		return err
	}
	r.Databases, r.Cluster = []string{region.ClickHouse.Database}, region.ClickHouse.Tables.Cluster
	if c.SamePassword {
		return printReader(env, r, c.Format)
	}
	random := make([]byte, keyBytes)
	if _, err := rand.Read(random); err != nil {
		return fmt.Errorf("random bytes: %w", err)
	}
	password := base64.RawURLEncoding.EncodeToString(random)
	hash := sha256.Sum256([]byte(password))
	r.PasswordSHA256 = hex.EncodeToString(hash[:])
	if err := printReader(env, r, c.Format); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stderr, "The password of %s is kept nowhere: note it now.\n\n%s\n\n", r.User, password)
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
