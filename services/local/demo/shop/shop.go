// Package shop is ShopMe, a small shop to click through in a browser, with a guided tour, a survey and tasks over it, and beside it the rows that
// come of it, live. Its pages send with the recorder, as any customer's would.
package shop

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

//go:embed index.html shop.css shop.js
var files embed.FS

var index = template.Must(template.ParseFS(files, "index.html"))

// rowsOf asks for a visitor's latest rows, the newest first. A repetition that is not merged away yet is left out.
const rowsOf = `SELECT * EXCEPT (props, detail, raw_topic_id, raw_leader_epoch, epoch) FROM events
WHERE account_id = @account AND visitor_id = @visitor AND received_at > now() - INTERVAL 1 DAY
ORDER BY received_at DESC, time DESC LIMIT 1 BY event_id LIMIT 100`

// A Database answers a query, as *clickhouse.Conn does.
type Database interface {
	Query(ctx context.Context, statement string, row func(names []string, values []any) error, args ...any) error
}

// An Owner is the account that the shop sends as.
type Owner struct {
	Account, Key string
	// Database is where its rows are, Rows how to ask there.
	Database string
	Rows     Database
}

// New returns the shop's pages: / and what stands under /shop/.
func New(o Owner) (http.Handler, error) {
	var home bytes.Buffer
	if err := index.Execute(&home, o); err != nil {
		return nil, fmt.Errorf("the shop's page: %w", err)
	}
	css, err := files.ReadFile("shop.css")
	if err != nil {
		return nil, err
	}
	js, err := files.ReadFile("shop.js")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page("index.html", home.Bytes()))
	mux.HandleFunc("GET /shop/shop.css", page("shop.css", css))
	mux.HandleFunc("GET /shop/shop.js", page("shop.js", js))
	mux.HandleFunc("GET /shop/rows", o.rows)
	return mux, nil
}

// policy lets the page load what is its own and nothing else: what a strict site allows is what the recorder must do with.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func page(name string, text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-cache",
		} {
			w.Header().Set(name, value)
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	}
}

var visitorPattern = regexp.MustCompile(`^[0-9a-f-]{36}$`)

// rows answers with a visitor's rows as JSON, {"columns": [name, …], "rows": [[value, …], …]}: columns in the table's order.
func (o Owner) rows(w http.ResponseWriter, r *http.Request) {
	visitor := r.FormValue("visitor")
	if !visitorPattern.MatchString(visitor) {
		http.Error(w, "visitor: want a UUID in lower case", http.StatusBadRequest)
		return
	}
	out := struct {
		Columns []string `json:"columns"`
		Rows    [][]any  `json:"rows"`
	}{[]string{}, [][]any{}}
	err := o.Rows.Query(r.Context(), rowsOf, func(names []string, values []any) error {
		out.Columns = names
		out.Rows = append(out.Rows, values)
		return nil
	}, clickhouse.Named("account", o.Account), clickhouse.Named("visitor", visitor))
	if err != nil && !errors.Is(err, context.Canceled) {
		http.Error(w, "ClickHouse does not answer", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(out) // a browser that is gone needs no answer
}
