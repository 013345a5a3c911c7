// Package filter tells cheaply which of many regular expressions can match a text.
//
// Each expression is read once with regexp/syntax and turned into what any text it matches must contain: a conjunction
// of clauses, each a choice of literals. One Aho–Corasick pass over the text finds all literals of all expressions; an
// expression is a candidate when each of its clauses has a literal among them. A candidate may still not match, an
// expression that is no candidate never does. (The idea is RE2's FilteredRE2 and CodeSearch's trigram queries,
// https://swtch.com/~rsc/regexp/regexp4.html.)
//
// Literals and texts are compared with ASCII case folded away, so that (?i) needs no care.
package filter
