// Package account knows the customers: their region, their write keys and their privacy policy, from a YAML file that is
// read again when it changes.
package account

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/waymark-events/waymark/pkg/config"
)

// An Account is one customer.
type Account struct {
	// ID is 1–64 characters of a–z, 0–9, '-' and '_'. It is stored with every event and must never be reused.
	ID string `yaml:"id"`
	// Name is for people.
	Name string `yaml:"name"`
	// Region is the data centre the account's events stay in.
	Region string `yaml:"region"`
	// MovedFrom is the region that it was of before, which a running service wants to be told; empty if none.
	MovedFrom string `yaml:"moved_from"`
	// WriteKeys authenticate what the account's clients send; several, so that keys can be rotated. 8–128 characters each.
	WriteKeys []string `yaml:"write_keys"`
	Policy    Policy   `yaml:"policy"`
}

// A Directory is one reading of the accounts file. It does not change.
type Directory struct {
	byID  map[string]*Account
	byKey map[string]*Account
}

// ByID returns the account with the given id, or nil.
func (d *Directory) ByID(id string) *Account { return d.byID[id] }

// ByKey returns the account that a write key belongs to, or nil.
func (d *Directory) ByKey(key string) *Account { return d.byKey[key] }

// Accounts returns every account, ordered by id.
func (d *Directory) Accounts() []*Account {
	return slices.SortedFunc(maps.Values(d.byID), func(a, b *Account) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}

// Read reads and validates an accounts file.
func Read(file string) (*Directory, error) {
	var doc struct {
		Accounts []Account `yaml:"accounts"`
	}
	if err := config.DecodeFile(file, &doc); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	d, err := NewDirectory(doc.Accounts)
	if err != nil {
		return nil, fmt.Errorf("accounts: %s: %w", file, err)
	}
	return d, nil
}

// NewDirectory validates accounts. Ids and write keys must be unique.
func NewDirectory(accounts []Account) (*Directory, error) {
	d := &Directory{make(map[string]*Account), make(map[string]*Account)}
	for i := range accounts {
		a := &accounts[i]
		if !idPattern.MatchString(a.ID) { // it may be something else, a write key for instance: it is not named
			return nil, fmt.Errorf("account %d: id: want 1–64 characters of a–z, 0–9, '-', '_'", i+1)
		}
		if err := a.validate(); err != nil {
			return nil, fmt.Errorf("account %d (id %q): %w", i+1, a.ID, err)
		}
		if d.byID[a.ID] != nil {
			return nil, fmt.Errorf("account %d: id %q stands twice", i+1, a.ID)
		}
		d.byID[a.ID] = a
		for j, key := range a.WriteKeys {
			if other := d.byKey[key]; other != nil {
				return nil, fmt.Errorf("account %q: write key %d belongs to %q already", a.ID, j+1, other.ID)
			}
			d.byKey[key] = a
		}
	}
	return d, nil
}

var (
	idPattern     = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	regionPattern = regexp.MustCompile(`^[a-z0-9]{1,16}$`)
	keyPattern    = regexp.MustCompile(`^[A-Za-z0-9_.~-]{8,128}$`)
)

func (a *Account) validate() error {
	if !regionPattern.MatchString(a.Region) {
		return fmt.Errorf("region: want 1–16 characters of a–z, 0–9")
	}
	if a.MovedFrom != "" && (!regionPattern.MatchString(a.MovedFrom) || a.MovedFrom == a.Region) {
		return fmt.Errorf("moved_from: want another region than %s", a.Region)
	}
	if err := a.Policy.validate(); err != nil {
		return fmt.Errorf("policy.%w", err)
	}
	for i, key := range a.WriteKeys {
		if !keyPattern.MatchString(key) {
			return fmt.Errorf("write_keys[%d]: want 8–128 characters of A–Z, a–z, 0–9, '_', '.', '~', '-'", i)
		}
	}
	return nil
}
