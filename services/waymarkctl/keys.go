package waymarkctl

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/waymark-events/waymark/pkg/pseudonym"
)

type keysCommand struct {
	New     keysNewCommand     `cmd:"" help:"Make an account's next key: its pseudonyms are made with it from then on."`
	List    keysListCommand    `cmd:"" help:"List the keys of an account, or of all."`
	Find    keysFindCommand    `cmd:"" help:"Print the pseudonyms that a user id has under every key that is not destroyed."`
	Destroy keysDestroyCommand `cmd:"" help:"Destroy a key: nobody can tell any more whose pseudonyms it made."`
}

// A keyRing is where the keys are.
type keyRing struct {
	Keys string `help:"The key ring's folder. Default: the setting keys." type:"path" placeholder:"DIR"`
}

func (k *keyRing) dir(env *environment) (string, error) {
	if k.Keys != "" {
		return k.Keys, nil
	}
	if env.cfg.Keys == "" {
		return "", errors.New("--keys is needed: the folder that the enrichers' setting pseudonyms.keys names")
	}
	return env.cfg.Keys, nil
}

type keysNewCommand struct {
	keyRing
	Account string `arg:"" help:"The account's id."`
}

// Run makes a key.
func (c *keysNewCommand) Run(env *environment) error {
	dir, err := c.dir(env)
	if err != nil {
		return err
	}
	key, err := pseudonym.New(dir, c.Account)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "account %s: key %d is made; enrichers that read this folder use it within seconds\n", c.Account, key.Epoch)
	return nil
}

type keysListCommand struct {
	keyRing
	Account string `arg:"" optional:"" help:"Only this account's."`
}

// Run lists keys, never a secret.
func (c *keysListCommand) Run(env *environment) error {
	dir, err := c.dir(env)
	if err != nil {
		return err
	}
	keys, err := pseudonym.List(dir, c.Account)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(env.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tKEY\tPSEUDONYMS\tSTATE\tSINCE")
	for i, key := range keys {
		state := "in use"
		switch {
		case key.Destroyed:
			state = "destroyed"
		case i+1 < len(keys) && keys[i+1].Account == key.Account:
			state = "finds only"
		}
		fmt.Fprintf(table, "%s\t%d\tp%d.…\t%s\t%s\n", key.Account, key.Epoch, key.Epoch, state, key.Since.UTC().Format(time.RFC3339))
	}
	return table.Flush()
}

type keysFindCommand struct {
	keyRing
	Account string `arg:"" help:"The account's id."`
	User    string `arg:"" help:"The user's id as clients send it."`
}

// Run prints pseudonyms, the newest first.
func (c *keysFindCommand) Run(env *environment) error {
	dir, err := c.dir(env)
	if err != nil {
		return err
	}
	ring, err := pseudonym.Read(dir)
	if err != nil {
		return err
	}
	found := ring.All(c.Account, c.User)
	if len(found) == 0 {
		return fmt.Errorf("account %s has no key", c.Account)
	}
	for _, pseudonym := range found {
		fmt.Fprintln(env.stdout, pseudonym)
	}
	return nil
}

type keysDestroyCommand struct {
	keyRing
	Account string `arg:"" help:"The account's id."`
	Key     int    `arg:"" help:"The key's number."`
	Yes     bool   `help:"Destroy it. It cannot be undone."`
}

// Run overwrites and removes a key's secret.
func (c *keysDestroyCommand) Run(env *environment) error {
	dir, err := c.dir(env)
	if err != nil {
		return err
	}
	if !c.Yes {
		return fmt.Errorf("key %d of account %s would be gone for good, and with it who its pseudonyms are: say --yes", c.Key, c.Account)
	}
	if err := pseudonym.Destroy(dir, c.Account, c.Key); err != nil {
		return fmt.Errorf("key %d of account %s: %w", c.Key, c.Account, err)
	}
	fmt.Fprintf(env.stdout, "account %s: key %d is destroyed here; destroy its copies too, in backups and on other machines\n", c.Account, c.Key)
	return nil
}
