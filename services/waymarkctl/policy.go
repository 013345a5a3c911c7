package waymarkctl

import (
	"errors"
	"fmt"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/policy"
)

type policyCommand struct {
	Show policyShowCommand `cmd:"" help:"Say in words what is collected of an account's users, in which form, where, and for how long."`
}

// accountsFile is where the policies are.
type accountsFile struct {
	Accounts string `help:"The accounts file. Default: the setting accounts." type:"path" placeholder:"FILE"`
}

func (f *accountsFile) read(env *environment) (*account.Directory, error) {
	file := f.Accounts
	if file == "" {
		file = env.cfg.Accounts
	}
	if file == "" {
		return nil, errors.New("--accounts is needed: the accounts file of edges and enrichers")
	}
	return account.Read(file)
}

type policyShowCommand struct {
	accountsFile
	Account string `arg:"" help:"The account's id."`
}

// Run prints the page.
func (c *policyShowCommand) Run(env *environment) error {
	directory, err := c.read(env)
	if err != nil {
		return err
	}
	a := directory.ByID(c.Account)
	if a == nil {
		return fmt.Errorf("there is no account %q", c.Account)
	}
	topics, err := schemas.Topics(a.Region)
	if err != nil {
		return err
	}
	database := "waymark"
	if region, known := env.cfg.Regions[a.Region]; known {
		database = region.ClickHouse.Database
	}
	return policy.Page{Account: a, Topics: topics, Database: database}.Write(env.stdout)
}
