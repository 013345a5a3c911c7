package statement

import "strings"

// Statement is what was found.
type Statement struct {
	SQL    string // without a trailing semicolon and, for a query, without its FORMAT clause
	Verb   string // first word, upper case: SELECT, INSERT, …
	Format string // of the result, or of the data; empty if not given
	Insert *Insert
}

// Insert is an INSERT that takes rows from outside the engine.
type Insert struct {
	Head    string   // everything before FORMAT or VALUES
	Target  string   // table, or call of a table function: what DESCRIBE TABLE takes
	Columns []string // as listed, unquoted; nil if all, or if the list is not of plain names
	Data    string   // rows in the statement itself
}

// Parse looks at one statement.
func Parse(sql string) Statement {
	l := &lexer{sql: sql}
	first, _ := l.next()
	s := Statement{SQL: sql, Verb: l.word(first)}
	for first.kind == '(' && s.Verb == "" { // (SELECT 1) UNION ALL (SELECT 2)
		t, ok := l.next()
		if !ok {
			break
		}
		s.Verb = l.word(t)
		if t.kind != '(' {
			break
		}
	}
	if s.Verb == "INSERT" {
		if ins, format, ok := parseInsert(l); ok {
			s.Insert, s.Format = ins, format
			return s
		}
	}
	s.SQL, s.Format = cutFormat(sql)
	return s
}

// parseInsert goes on after INSERT; ok is false for INSERT … SELECT and its kin.
func parseInsert(l *lexer) (ins *Insert, format string, ok bool) {
	ins = &Insert{}
	t, more := l.next()
	if l.word(t) == "INTO" {
		t, more = l.next()
	}
	if l.word(t) == "TABLE" {
		t, more = l.next()
	}
	function := l.word(t) == "FUNCTION"
	if function {
		t, more = l.next()
	}
	if !more {
		return nil, "", false
	}
	from, to := t.from, t.to
	for t, more = l.next(); more && t.kind == '.'; t, more = l.next() {
		if t, more = l.next(); more {
			to = t.to
		}
	}
	if function && t.kind == '(' {
		l.skipParens()
		to = l.pos
		t, more = l.next()
	}
	ins.Target = l.sql[from:to]
	if more && t.kind == '(' {
		listFrom := l.pos
		l.skipParens()
		ins.Columns = plainNames(l.sql[listFrom:max(l.pos-1, listFrom)])
		t, more = l.next()
	}
	for ; more; t, more = l.next() {
		switch l.word(t) {
		case "SELECT", "WITH", "FROM", "WATCH":
			return nil, "", false
		case "VALUES":
			ins.Head, ins.Data = l.sql[:t.from], data(l.sql[t.to:])
			return ins, "Values", true
		case "FORMAT":
			name, ok := l.next()
			if !ok {
				return nil, "", false
			}
			ins.Head, ins.Data = l.sql[:t.from], data(l.sql[name.to:])
			return ins, l.sql[name.from:name.to], true
		}
		switch t.kind {
		case '(':
			l.skipParens()
		case ';':
			ins.Head = l.sql[:t.from]
			return ins, "", true
		}
	}
	ins.Head = l.sql
	return ins, "", true
}

// data is what follows the format's name, past the one blank or line end that separates them.
func data(s string) string {
	if strings.Trim(s, " \t\r\n;") == "" {
		return ""
	}
	s = strings.TrimLeft(s, " \t")
	return strings.TrimPrefix(strings.TrimPrefix(s, "\r"), "\n")
}

// plainNames splits a list of columns; nil if it holds anything but names (such as "* EXCEPT(a)").
func plainNames(list string) []string {
	l := &lexer{sql: list}
	var names []string
	for {
		name, ok := l.next()
		if !ok {
			return names
		}
		text := list[name.from:name.to]
		switch name.kind {
		case 'w':
		case 'i':
			text = unquote(text)
		default:
			return nil
		}
		comma, more := l.next()
		for more && comma.kind == '.' { // a.b of a Nested column
			sub, ok := l.next()
			if !ok {
				return nil
			}
			part := list[sub.from:sub.to]
			if sub.kind == 'i' {
				part = unquote(part)
			}
			text += "." + part
			comma, more = l.next()
		}
		names = append(names, text)
		if more && comma.kind != ',' {
			return nil
		}
	}
}

func unquote(s string) string {
	q := s[0]
	s = strings.TrimSuffix(s[1:], string(q))
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if (s[i] == '\\' || s[i] == q) && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// cutFormat takes "FORMAT name" off the end of a query, and a semicolon.
func cutFormat(sql string) (rest, format string) {
	l := &lexer{sql: sql}
	var from, to, end int
	for depth := 0; ; {
		t, ok := l.next()
		if !ok {
			break
		}
		switch t.kind {
		case '(':
			depth++
		case ')':
			depth--
		}
		if t.kind == ';' {
			if again, more := l.next(); more { // several statements: the engine will say what it thinks of them
				_ = again
				return sql, ""
			}
			break
		}
		if depth == 0 && l.word(t) == "FORMAT" {
			after := *l
			if name, ok := after.next(); ok && name.kind == 'w' {
				tail := after
				if next, more := tail.next(); !more || next.kind == ';' || tail.word(next) == "SETTINGS" {
					format, from, to = sql[name.from:name.to], t.from, name.to
				}
			}
		}
		end = t.to
	}
	if format == "" {
		return sql[:end], ""
	}
	return strings.TrimRight(sql[:from], " \t\r\n") + sql[to:max(end, to)], format
}
