// Package examples has an example of each view for the analysts' guide, docs/analysts.md. Tests ask each of them of the data set.
package examples

// An Example is one question, and how it is asked.
type Example struct {
	// View is the view's name.
	View string
	// Question is what it answers, a sentence.
	Question string
	// SQL is the query, over account acme, March 2026, in the database's own names.
	SQL string
}

// All are the examples, in the order of the guide.
func All() []Example { return append(append([]Example{}, items...), people...) }
