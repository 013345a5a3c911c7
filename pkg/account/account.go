// Package account knows the customers: their region, their write keys and their privacy policy, from a YAML file that is
// read again when it changes.
package account

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/segment"
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
	// Keys authenticate what the account's clients send; several, so that keys can be rotated.
	Keys []Key `yaml:"keys"`
	// WriteKeys are keys in plain text, of scope any and without limits, for trials: services warn of them. 8–128 characters each.
	WriteKeys []string `yaml:"write_keys"`
	Limits    `yaml:",inline"`
	Policy    Policy `yaml:"policy"`
	// SegmentEvents say which track calls of Segment's API are an item's events, by their name, beside those that are known without them.
	SegmentEvents map[string]segment.Rule `yaml:"segment_events"`
}

// A Directory is one reading of the accounts file. It does not change.
type Directory struct {
	byID map[string]*Account
	// byKey has the grants by their keys' hashes.
	byKey map[[sha256.Size]byte]*Grant
	plain int
}

// ByID returns the account with the given id, or nil.
func (d *Directory) ByID(id string) *Account { return d.byID[id] }

// Empty tells whether there is no account at all: then a key is not wrong, but its account not there yet.
func (d *Directory) Empty() bool { return len(d.byID) == 0 }

// ByKey returns the account that a write key belongs to, or nil; whether the key may be used now is its Grant's to say.
func (d *Directory) ByKey(key string) *Account {
	if g := d.Grant(key); g != nil {
		return g.Account
	}
	return nil
}

// longestKey bounds what is hashed of what a client sends.
const longestKey = 128

// Grant returns what a write key gives, or nil. The hash of what was sent is looked up, so there is nothing to learn from how long it takes: a
// guess that begins as a key does has a hash that does not.
func (d *Directory) Grant(key string) *Grant {
	if len(key) > longestKey {
		return nil
	}
	return d.byKey[sha256.Sum256([]byte(key))]
}

// PlainKeys is how many keys stand in the file in plain text.
func (d *Directory) PlainKeys() int { return d.plain }

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
	d := &Directory{byID: make(map[string]*Account), byKey: make(map[[sha256.Size]byte]*Grant)}
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
		if err := d.addKeys(a); err != nil {
			return nil, fmt.Errorf("account %q: %w", a.ID, err)
		}
	}
	return d, nil
}

// addKeys makes the account's keys known. A hash that stands twice would leave open which of its limits count.
func (d *Directory) addKeys(a *Account) error {
	add := func(name string, k *Key) error {
		var sum [sha256.Size]byte
		if _, err := hex.Decode(sum[:], []byte(k.SHA256)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if other := d.byKey[sum]; other != nil {
			return fmt.Errorf("%s belongs to %q already", name, other.ID)
		}
		d.byKey[sum] = &Grant{a, k}
		return nil
	}
	for i := range a.Keys {
		if err := add(fmt.Sprintf("keys[%d]", i), &a.Keys[i]); err != nil {
			return err
		}
	}
	for i, key := range a.WriteKeys {
		if err := add(fmt.Sprintf("write_keys[%d]", i), &Key{SHA256: HashKey(key), Scope: ScopeAny}); err != nil {
			return err
		}
	}
	d.plain += len(a.WriteKeys)
	return nil
}

var (
	idPattern  = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	keyPattern = regexp.MustCompile(`^[A-Za-z0-9_.~-]{8,128}$`)
)

func (a *Account) validate() error {
	if err := config.CheckRegion(a.Region); err != nil {
		return fmt.Errorf("region: %w", err)
	}
	if a.MovedFrom != "" && (config.CheckRegion(a.MovedFrom) != nil || a.MovedFrom == a.Region) {
		return fmt.Errorf("moved_from: want another region than %s", a.Region)
	}
	if err := a.Policy.validate(); err != nil {
		return fmt.Errorf("policy.%w", err)
	}
	if err := a.Limits.validate(); err != nil {
		return err
	}
	for i := range a.Keys {
		if err := a.Keys[i].validate(); err != nil {
			return fmt.Errorf("keys[%d].%w", i, err)
		}
	}
	for i, key := range a.WriteKeys {
		if !ValidKey(key) {
			return fmt.Errorf("write_keys[%d]: want 8–128 characters of A–Z, a–z, 0–9, '_', '.', '~', '-'", i)
		}
	}
	for i, name := range slices.Sorted(maps.Keys(a.SegmentEvents)) {
		if err := a.SegmentEvents[name].Validate(name); err != nil {
			if keyPattern.MatchString(name) { // it may be a write key in the wrong place: it is not named
				return fmt.Errorf("segment_events: rule %d in the names' order: %w", i+1, err)
			}
			return fmt.Errorf("segment_events: %q: %w", name, err)
		}
	}
	return nil
}
