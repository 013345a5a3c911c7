package filter

// An automaton finds all of a set of literals in one pass over a text (Aho and Corasick, 1975), its failure links
// folded into a full transition table: one look-up a byte.
type automaton struct {
	symbols [256]uint8 // the column of a byte; 0 for bytes in no literal
	width   int
	next    []uint16 // state*width + symbol → state
	found   []int32  // literal that ends in a state, -1 for none
	shorter []uint16 // the nearest state, by failure links, in which another literal ends; 0 for none
	first   []uint16 // state itself when a literal ends there, otherwise shorter
}

// maxStates is what a uint16 can number.
const maxStates = 1 << 16

// newAutomaton needs literals that are distinct, folded and together shorter than maxStates.
func newAutomaton(literals []string) *automaton {
	a := &automaton{width: 1}
	for _, l := range literals {
		for i := range len(l) {
			if a.symbols[l[i]] == 0 {
				a.symbols[l[i]] = uint8(a.width)
				a.width++
			}
		}
	}
	a.grow()
	for id, l := range literals {
		state := 0
		for i := range len(l) {
			at := state*a.width + int(a.symbols[l[i]])
			if a.next[at] == 0 {
				a.next[at] = uint16(len(a.found))
				a.grow()
			}
			state = int(a.next[at])
		}
		a.found[state] = int32(id)
	}
	a.link()
	return a
}

func (a *automaton) grow() {
	a.next = append(a.next, make([]uint16, a.width)...)
	a.found = append(a.found, -1)
}

// link fills the missing transitions breadth first, so that a state's failure state is complete before it is used.
func (a *automaton) link() {
	fail := make([]uint16, len(a.found))
	a.shorter = make([]uint16, len(a.found))
	queue := make([]uint16, 0, len(a.found))
	for s := range a.width {
		if child := a.next[s]; child != 0 {
			queue = append(queue, child)
		}
	}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		if f := fail[state]; a.found[f] >= 0 {
			a.shorter[state] = f
		} else {
			a.shorter[state] = a.shorter[f]
		}
		for s := range a.width {
			at, over := int(state)*a.width+s, a.next[int(fail[state])*a.width+s]
			if child := a.next[at]; child != 0 {
				fail[child] = over
				queue = append(queue, child)
			} else {
				a.next[at] = over
			}
		}
	}
	a.first = make([]uint16, len(a.found))
	for state := range a.first {
		if a.found[state] >= 0 {
			a.first[state] = uint16(state)
		} else {
			a.first[state] = a.shorter[state]
		}
	}
}
