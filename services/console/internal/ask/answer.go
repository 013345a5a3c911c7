package ask

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// An Answer is what ClickHouse said, as it is sent.
type Answer struct {
	Question string    `json:"question,omitempty"`
	Columns  []Column  `json:"columns"`
	Rows     [][]any   `json:"rows"`
	SQL      string    `json:"sql"`
	AsOf     time.Time `json:"as_of"`
	// Elapsed is in milliseconds.
	Elapsed int64 `json:"elapsed_ms"`
	// Read is how many rows of tables ClickHouse read.
	Read      uint64 `json:"rows_read"`
	Truncated bool   `json:"truncated"`
	// Cached tells that the answer was somebody's before.
	Cached bool `json:"cached"`
}

// A Column of an answer.
type Column struct {
	Name string `json:"name"`
	// Type is ClickHouse's.
	Type string `json:"type"`
	Unit string `json:"unit,omitempty"`
}

func newAnswer(from *clickhouse.Answer, sql string, asked time.Time) *Answer {
	a := &Answer{
		Columns: []Column{}, Rows: make([][]any, len(from.Rows)), SQL: sql, AsOf: asked.UTC().Truncate(time.Millisecond), Elapsed: time.Since(asked).Milliseconds(),
		Read: from.Read, Truncated: from.Truncated,
	}
	for i, name := range from.Names {
		a.Columns = append(a.Columns, Column{Name: name, Type: from.Types[i]})
	}
	for i, row := range from.Rows {
		a.Rows[i] = make([]any, len(row))
		for j, value := range row {
			a.Rows[i][j] = safe(value, from.Types[j])
		}
	}
	return a
}

// cells is how much of memory an answer takes, roughly.
func (a *Answer) cells() int { return len(a.Rows) * max(1, len(a.Columns)) }

// Tag is the same for equal answers to equal questions, whenever they were given.
func (a *Answer) Tag() (string, error) {
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode([]any{a.SQL, a.Columns, a.Rows, a.Truncated}); err != nil {
		return "", err
	}
	return `"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`, nil
}

// CSV is the answer as a file (RFC 4180). A text that a spreadsheet would take for a formula has an apostrophe before it.
func (a *Answer) CSV() ([]byte, error) {
	var out bytes.Buffer
	for i, c := range a.Columns {
		writeCell(&out, i, harmless(c.Name))
	}
	out.WriteString("\r\n")
	for _, row := range a.Rows {
		for i, value := range row {
			text, err := cell(value)
			if err != nil {
				return nil, err
			}
			writeCell(&out, i, text)
		}
		out.WriteString("\r\n")
	}
	return out.Bytes(), nil
}

// writeCell keeps what a text has, line ends too, which encoding/csv changes where lines end with CRLF.
func writeCell(out *bytes.Buffer, place int, text string) {
	if place > 0 {
		out.WriteByte(',')
	}
	if !strings.ContainsAny(text, "\",\r\n") && strings.TrimSpace(text) == text {
		out.WriteString(text)
		return
	}
	out.WriteByte('"')
	out.WriteString(strings.ReplaceAll(text, `"`, `""`))
	out.WriteByte('"')
}

func cell(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return harmless(v), nil
	case bool, int64, uint64:
		return fmt.Sprint(v), nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	return string(text), nil // a number, or what begins with a bracket or a quote
}

// harmless keeps spreadsheets from taking a text for a formula (OWASP: CSV injection).
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20", []rune(text)[0]) {
		return "'" + text
	}
	return text
}
