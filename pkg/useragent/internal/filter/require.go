package filter

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

const (
	// maxExact bounds the strings that one part of an expression is spelled out to, maxClause those of a clause.
	maxExact  = 24
	maxClause = 400
	// maxClauses bounds how many clauses one alternation becomes.
	maxClauses = 8
	// minLiteral is the shortest literal worth looking for, in bytes.
	minLiteral = 2
)

// A clause is a choice of folded literals of which a matching text contains at least one.
type clause []string

// require returns what every text that expr matches contains; no clauses when nothing is known.
func require(expr string) ([]clause, error) {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("parse %q: %w", expr, err)
	}
	return analyse(tree.Simplify()).settle(), nil
}

// A shape is what is known of the texts a part of an expression matches: the very strings when they are few, and clauses.
type shape struct {
	exact   []string // folded; nil when not few
	clauses []clause
}

// settle turns the exact strings into a clause of their own.
func (s shape) settle() []clause {
	if c := usable(s.exact); c != nil {
		return append(slices.Clip(s.clauses), c)
	}
	return s.clauses
}

// usable returns the strings as a clause, nil when one of them is too short to tell anything.
func usable(exact []string) clause {
	if len(exact) == 0 || len(exact) > maxClause {
		return nil
	}
	for _, s := range exact {
		if len(s) < minLiteral {
			return nil
		}
	}
	c := slices.Clone(exact)
	slices.Sort(c)
	return slices.Compact(c)
}

func analyse(re *syntax.Regexp) shape {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return shape{exact: []string{""}}
	case syntax.OpLiteral:
		return literal(re.Rune)
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpCapture:
		return analyse(re.Sub[0])
	case syntax.OpQuest:
		if s := analyse(re.Sub[0]); s.exact != nil && len(s.exact) < maxExact {
			return shape{exact: append(slices.Clip(s.exact), "")}
		}
		return shape{}
	case syntax.OpPlus:
		return shape{clauses: analyse(re.Sub[0]).settle()}
	case syntax.OpConcat:
		return concat(re.Sub)
	case syntax.OpAlternate:
		return alternate(re.Sub)
	}
	return shape{}
}

// literal keeps to ASCII, where folding by hand is exact: the longest stretch of other runes splits nothing off, it
// only makes the part unknown.
func literal(runes []rune) shape {
	for _, r := range runes {
		if r >= 0x80 {
			return shape{}
		}
	}
	return shape{exact: []string{strings.ToLower(string(runes))}}
}

// class spells out a small class. The two runes beyond ASCII that (?i) equates with k and s are folded by the scan.
func class(ranges []rune) shape {
	var exact []string
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] >= maxExact {
			return shape{}
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			switch {
			case r == kelvin:
				exact = append(exact, "k")
			case r == longS:
				exact = append(exact, "s")
			case r >= 0x80:
				return shape{}
			default:
				exact = append(exact, strings.ToLower(string(r)))
			}
		}
	}
	slices.Sort(exact)
	exact = slices.Compact(exact)
	if len(exact) == 0 || len(exact) > maxExact {
		return shape{}
	}
	return shape{exact: exact}
}

// concat grows the exact strings as long as they stay few, and settles them where a part is unknown.
func concat(parts []*syntax.Regexp) shape {
	whole := shape{exact: []string{""}}
	var clauses []clause
	known := true // exact describes all parts so far
	for _, part := range parts {
		s := analyse(part)
		clauses = append(clauses, s.clauses...)
		if s.exact == nil {
			clauses = append(clauses, shape{exact: whole.exact}.settle()...)
			whole.exact, known = []string{""}, false
			continue
		}
		if len(whole.exact)*len(s.exact) > maxExact {
			clauses = append(clauses, shape{exact: whole.exact}.settle()...)
			whole.exact, known = s.exact, false
			continue
		}
		whole.exact = product(whole.exact, s.exact)
	}
	if known {
		return shape{exact: whole.exact, clauses: clauses}
	}
	return shape{clauses: append(clauses, shape{exact: whole.exact}.settle()...)}
}

func product(left, right []string) []string {
	out := make([]string, 0, len(left)*len(right))
	for _, l := range left {
		for _, r := range right {
			out = append(out, l+r)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// alternate is exact when all branches are. Otherwise (a and b) or c is (a or c) and (b or c): each clause of one branch
// is joined with each of the others', while they stay few.
func alternate(branches []*syntax.Regexp) shape {
	var exact []string
	choices := []clause{nil}
	known := true
	for _, branch := range branches {
		s := analyse(branch)
		if known = known && s.exact != nil; known {
			exact = append(exact, s.exact...)
		}
		choices = join(choices, s.settle())
	}
	if known && len(exact) <= maxExact {
		return shape{exact: exact}
	}
	return shape{clauses: choices}
}

// join returns no clauses once one side has none, or when they would be too long to tell anything.
func join(left, right []clause) []clause {
	if len(left)*len(right) > maxClauses {
		right = []clause{best(right)}
	}
	var out []clause
	for _, l := range left {
		for _, r := range right {
			if len(l)+len(r) <= maxClause {
				out = append(out, append(slices.Clip(l), r...))
			}
		}
	}
	return out
}

// best returns the clause with the longest shortest literal: the least likely to be met by chance.
func best(clauses []clause) clause {
	var out clause
	length := 0
	for _, c := range clauses {
		if n := shortest(c); n > length {
			out, length = c, n
		}
	}
	return out
}

func shortest(c clause) int {
	n := len(c[0])
	for _, s := range c[1:] {
		n = min(n, len(s))
	}
	return n
}
