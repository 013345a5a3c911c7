package erasure

import (
	"cmp"
	"maps"
	"slices"
)

// A Verdict is what is to be done with an event.
type Verdict int

// Verdicts.
const (
	Keep Verdict = iota
	Hide         // Anonymise
	Drop         // Erase
)

// A Set is the tombstones of one moment. It does not change, and is safe for concurrent use. A nil Set has none.
type Set struct {
	all      map[string]*Tombstone // by id
	accounts map[string]*ofAccount
}

// ofAccount are an account's tombstones.
type ofAccount struct {
	ids   map[identity][]*Tombstone
	spans []*Tombstone
	keys  []*Key // those that its digests were made with
	kinds map[Kind]bool
	// until is when the last event was received that any of them means; suppresses says that one means those after it, too.
	until      int64
	suppresses bool
}

type identity struct {
	kind   Kind
	digest Digest
}

// NewSet returns the set of some tombstones by id, whose secrets must be among keys; nil when there are none.
func NewSet(all map[string]*Tombstone, keys Keys) *Set {
	if len(all) == 0 {
		return nil
	}
	s := &Set{all: all, accounts: make(map[string]*ofAccount)}
	for _, t := range all {
		a := s.accounts[t.Account]
		if a == nil {
			a = &ofAccount{ids: make(map[identity][]*Tombstone), kinds: make(map[Kind]bool)}
			s.accounts[t.Account] = a
		}
		a.until, a.suppresses = max(a.until, t.ReceivedUntil), a.suppresses || t.Suppress
		if t.Kind == Span {
			a.spans = append(a.spans, t)
			continue
		}
		a.kinds[t.Kind] = true
		a.ids[identity{t.Kind, t.Digest}] = append(a.ids[identity{t.Kind, t.Digest}], t)
		if k := keys.Find(t.Key); k != nil && !slices.Contains(a.keys, k) {
			a.keys = append(a.keys, k)
		}
	}
	return s
}

// All returns the tombstones, the newest first.
func (s *Set) All() []*Tombstone {
	if s == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(s.all), func(a, b *Tombstone) int {
		return cmp.Or(cmp.Compare(b.MadeAt, a.MadeAt), cmp.Compare(a.ID(), b.ID()))
	})
}

// Get returns the tombstone of an id, nil when there is none.
func (s *Set) Get(id string) *Tombstone {
	if s == nil {
		return nil
	}
	return s.all[id]
}

// Concerns tells whether any tombstone may mean an event of the account that was received then. It is cheap: Judge need not be asked where
// it is false.
func (s *Set) Concerns(account string, receivedAt int64) bool {
	if s == nil {
		return false
	}
	a := s.accounts[account]
	return a != nil && (a.suppresses || receivedAt <= a.until)
}

// Judge tells what is to be done with an event. Where one tombstone erases and another anonymises, it is erased.
func (s *Set) Judge(of *Subject) Verdict {
	verdict := Keep
	for t := range s.matching(of) {
		if t.Mode == Erase {
			return Drop
		}
		verdict = Hide
	}
	return verdict
}

// Why returns the tombstone that decides of an event: the oldest that erases it, otherwise the oldest that anonymises it; nil where none means
// it.
func (s *Set) Why(of *Subject) (why *Tombstone) {
	for t := range s.matching(of) {
		if why == nil || t.Mode == Erase && why.Mode != Erase || t.Mode == why.Mode && t.MadeAt < why.MadeAt {
			why = t
		}
	}
	return why
}

// matching yields the tombstones that mean an event.
func (s *Set) matching(of *Subject) func(func(*Tombstone) bool) {
	return func(yield func(*Tombstone) bool) {
		if !s.Concerns(of.Account, of.ReceivedAt) {
			return
		}
		a := s.accounts[of.Account]
		for _, t := range a.spans {
			if t.within(of.ReceivedAt, of.Time) && !yield(t) {
				return
			}
		}
		for _, ids := range [...]struct {
			kind Kind
			ids  []string
		}{{Visitor, of.Visitors[:]}, {User, of.Users[:]}, {Company, of.Companies[:]}} {
			if !a.kinds[ids.kind] {
				continue
			}
			for i, id := range ids.ids {
				if id == "" || slices.Contains(ids.ids[:i], id) {
					continue
				}
				for _, key := range a.keys {
					digest := key.Digest(of.Account, ids.kind, id)
					for _, t := range a.ids[identity{ids.kind, digest}] {
						if t.within(of.ReceivedAt, of.Time) && !yield(t) {
							return
						}
					}
				}
			}
		}
	}
}
