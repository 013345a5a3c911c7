package filter

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"unicode/utf8"
)

// A Filter is safe for concurrent use.
type Filter struct {
	automaton *automaton
	clauses   [][][]uint16 // by expression: of each clause the literals' numbers
	hits      sync.Pool    // of *Hits
}

// New reads the expressions (RE2 syntax). Their order gives them their numbers.
func New(expressions []string) (*Filter, error) {
	f := &Filter{clauses: make([][][]uint16, len(expressions))}
	numbers := map[string]uint16{}
	var literals []string
	size := 0
	for i, expression := range expressions {
		clauses, err := require(expression)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(clauses, func(a, b clause) int { return cmp.Compare(shortest(b), shortest(a)) })
		for _, c := range clauses {
			ids := make([]uint16, len(c))
			for j, l := range c {
				id, ok := numbers[l]
				if !ok {
					if size += len(l); size >= maxStates {
						return nil, errors.New("the expressions hold too many literals")
					}
					id = uint16(len(literals))
					numbers[l], literals = id, append(literals, l)
				}
				ids[j] = id
			}
			f.clauses[i] = append(f.clauses[i], ids)
		}
	}
	f.automaton = newAutomaton(literals)
	f.hits.New = func() any { return &Hits{filter: f, seen: make([]bool, len(literals))} }
	return f, nil
}

// Hits are the literals found in one text. They belong to one goroutine until Release.
type Hits struct {
	filter *Filter
	seen   []bool // by literal
	order  []uint16
}

// Runes beyond ASCII that Unicode folds onto an ASCII letter: (?i)k matches the Kelvin sign, (?i)s the long s.
const (
	kelvin = '\u212a'
	longS  = '\u017f'
)

// Scan finds the literals of text, in one pass.
func (f *Filter) Scan(text string) *Hits {
	h := f.hits.Get().(*Hits)
	a, state := f.automaton, 0
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case 'A' <= b && b <= 'Z':
			b += 'a' - 'A'
		case b >= utf8.RuneSelf:
			switch r, size := utf8.DecodeRuneInString(text[i:]); r {
			case kelvin:
				b, i = 'k', i+size-1
			case longS:
				b, i = 's', i+size-1
			}
		}
		state = int(a.next[state*a.width+int(a.symbols[b])])
		for s := a.first[state]; s != 0; s = a.shorter[s] {
			id := uint16(a.found[s])
			if h.seen[id] {
				break // and so were the shorter ones that end with it
			}
			h.seen[id] = true
			h.order = append(h.order, id)
		}
	}
	return h
}

// Candidate reports whether the expression of that number can match the text.
func (h *Hits) Candidate(expression int) bool {
next:
	for _, c := range h.filter.clauses[expression] {
		for _, id := range c {
			if h.seen[id] {
				continue next
			}
		}
		return false
	}
	return true
}

// Release gives the hits' memory back.
func (h *Hits) Release() {
	for _, id := range h.order {
		h.seen[id] = false
	}
	h.order = h.order[:0]
	h.filter.hits.Put(h)
}
