package chdb_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// request is one call of the HTTP interface and what must come back.
type request struct {
	name    string
	method  string            // GET if empty
	args    map[string]string // of the URL; "database" is the test's
	headers map[string]string
	body    string
	status  int // 200 if 0
	want    string
	has     string            // a part of the answer, where it is not known as a whole
	answer  map[string]string // headers
}

func (r request) run(t *testing.T, server chdbtest.Server) {
	t.Helper()
	args := url.Values{"database": {server.Database}}
	for k, v := range r.args {
		args.Set(k, v)
	}
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(within(t, time.Minute), method, "http://"+server.HTTPAddr+"/?"+args.Encode(), strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range r.headers {
		req.Header.Set(k, v)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(got))
		if err != nil {
			t.Fatal(err)
		}
		if got, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	status := r.status
	if status == 0 {
		status = http.StatusOK
	}
	if res.StatusCode != status || (r.has == "" && string(got) != r.want) || !strings.Contains(string(got), r.has) {
		t.Errorf("status %d, body %q; want %d, %q%q", res.StatusCode, got, status, r.want, r.has)
	}
	for k, v := range r.answer {
		if !strings.Contains(res.Header.Get(k), v) || res.Header.Get(k) == "" {
			t.Errorf("header %s is %q, want %q in it", k, res.Header.Get(k), v)
		}
	}
}

func TestHTTPAnswersAsClickHouseDoes(t *testing.T) {
	server := chdbtest.Start(t)
	gzipped := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, s)
		z.Close()
		return b.String()
	}
	for _, r := range []request{
		{name: "query in the URL", args: map[string]string{"query": "SELECT 1"}, want: "1\n",
			answer: map[string]string{"X-ClickHouse-Format": "TSV", "Content-Type": "text/tab-separated-values", "X-ClickHouse-Query-Id": "-", "X-ClickHouse-Summary": `"read_rows":"1"`}},
		{name: "query in the body", method: "POST", body: "SELECT 1 AS x FORMAT JSONEachRow\n", want: "{\"x\":1}\n",
			answer: map[string]string{"Content-Type": "application/x-ndjson"}},
		{name: "format of the statement before the defaults", args: map[string]string{"query": "SELECT 1 FORMAT CSV;", "default_format": "JSON"}, want: "1\n"},
		{name: "default format", args: map[string]string{"query": "SELECT 1 AS x", "default_format": "JSONCompact"}, has: `"data"`},
		{name: "format header", args: map[string]string{"query": "SELECT 'a'"}, headers: map[string]string{"X-ClickHouse-Format": "CSV"}, want: "\"a\"\n"},
		{name: "given query id", args: map[string]string{"query": "SELECT 1", "query_id": "mine"}, want: "1\n", answer: map[string]string{"X-ClickHouse-Query-Id": "mine"}},
		{name: "database", args: map[string]string{"query": "SELECT currentDatabase()"}, want: server.Database + "\n"},
		{name: "settings", args: map[string]string{"query": "SELECT getSetting('max_threads')", "max_threads": "1"}, want: "1\n"},
		{name: "parameters", args: map[string]string{"query": "SELECT {a:UInt32} + 1, {b:String}, {c:Array(String)}", "param_a": "41", "param_b": `q'"\\n`, "param_c": "['x','y']"}, want: "42\tq\\'\"\\\\n\t['x','y']\n"},
		{name: "create", method: "POST", args: map[string]string{"query": "CREATE TABLE t (n UInt32, s String) ENGINE = MergeTree ORDER BY n"}},
		{name: "GET cannot change anything", args: map[string]string{"query": "DROP TABLE t"}, status: 500, has: "Code: 164.", answer: map[string]string{"X-ClickHouse-Exception-Code": "164"}},
		{name: "insert with the query in the URL", method: "POST", args: map[string]string{"query": "INSERT INTO t FORMAT JSONEachRow"}, body: `{"n":1,"s":"a"}` + "\n" + `{"n":2,"s":"b"}`,
			answer: map[string]string{"X-ClickHouse-Summary": `"written_rows":"2"`}},
		{name: "insert as a whole body", method: "POST", body: "INSERT INTO t FORMAT CSV\n3,c\n4,d\n", answer: map[string]string{"X-ClickHouse-Summary": `"written_rows":"2"`}},
		{name: "insert of values", method: "POST", body: "INSERT INTO t (n, s) VALUES (5, 'e'), (2 * 3, upper('f'))"},
		{name: "insert with values in the body", method: "POST", args: map[string]string{"query": "INSERT INTO t VALUES"}, body: "(7, 'g')"},
		{name: "insert of a gzip body", method: "POST", args: map[string]string{"query": "INSERT INTO t FORMAT TSV"}, headers: map[string]string{"Content-Encoding": "gzip"}, body: gzipped("8\th\n")},
		{name: "insert from a query", method: "POST", body: "INSERT INTO t SELECT 9, 'i'"},
		{name: "insert with bad rows", method: "POST", body: "INSERT INTO t FORMAT TSV\nx\ty\n", status: 400, has: "Code: 27."},
		{name: "what was inserted", args: map[string]string{"query": "SELECT groupArray(n), groupArray(s) FROM (SELECT * FROM t ORDER BY n)"}, want: "[1,2,3,4,5,6,7,8,9]\t['a','b','c','d','e','F','g','h','i']\n"},
		{name: "gzip on request", args: map[string]string{"query": "SELECT 1", "enable_http_compression": "1"}, headers: map[string]string{"Accept-Encoding": "gzip"}, want: "1\n", answer: map[string]string{"Content-Encoding": "gzip"}},
		{name: "header of an empty result", args: map[string]string{"query": "SELECT n FROM t WHERE n > 100 FORMAT CSVWithNames"}, want: "\"n\"\n"},
		{name: "unknown table", args: map[string]string{"query": "SELECT * FROM nowhere"}, status: 404, has: "Code: 60. DB::Exception: ", answer: map[string]string{"X-ClickHouse-Exception-Code": "60"}},
		{name: "unknown database", args: map[string]string{"query": "SELECT 1", "database": "nowhere"}, status: 404, has: "Code: 81. ", answer: map[string]string{"X-ClickHouse-Exception-Code": "81"}},
		{name: "unknown setting", args: map[string]string{"query": "SELECT 1", "no_such": "1"}, status: 404, has: "Code: 115. "},
		{name: "syntax", args: map[string]string{"query": "SELEC 1"}, status: 400, has: "Code: 62. "},
		{name: "wrong password", args: map[string]string{"query": "SELECT 1"}, headers: map[string]string{"X-ClickHouse-User": "default", "X-ClickHouse-Key": "wrong"}, status: 401, has: "Code: 194. "},
		{name: "Basic credentials", args: map[string]string{"query": "SELECT 1"}, headers: map[string]string{"Authorization": "Basic ZGVmYXVsdDo="}, want: "1\n"},
		{name: "error of an unread compressed answer", args: map[string]string{"query": "SELECT throwIf(1)", "enable_http_compression": "1"}, headers: map[string]string{"Accept-Encoding": "gzip"}, status: 500, has: "Code: 395. "},
	} {
		t.Run(r.name, func(t *testing.T) { r.run(t, server) })
	}
}

func TestHTTPPing(t *testing.T) {
	server := chdbtest.Start(t)
	for _, path := range []string{"/ping", "/"} {
		res, err := http.Get("http://" + server.HTTPAddr + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || string(b) != "Ok.\n" {
			t.Errorf("%s answers %q, %v", path, b, err)
		}
	}
}

// clickhouse-go speaks HTTP too, in FORMAT Native with the protocol's own compression or a content coding.
func TestHTTPServesClickhouseGo(t *testing.T) {
	server := chdbtest.Start(t)
	for _, method := range []clickhouse.CompressionMethod{clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD, clickhouse.CompressionGZIP, clickhouse.CompressionDeflate} {
		t.Run(method.String(), func(t *testing.T) {
			ctx, table := within(t, time.Minute), "t_"+method.String()
			conn := server.Open(t, func(o *clickhouse.Options) {
				o.Protocol, o.Addr, o.Compression = clickhouse.HTTP, []string{server.HTTPAddr}, &clickhouse.Compression{Method: method}
			})
			if err := conn.Exec(ctx, "CREATE TABLE "+table+" (day Date, n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
				t.Fatal(err)
			}
			if err := insertNumbers(ctx, conn, table, "", 70_000); err != nil {
				t.Fatal(err)
			}
			if got := count(t, conn, "SELECT sum(n) FROM "+table); got != 70_000*69_999/2 {
				t.Errorf("sum %d", got)
			}
			if err := conn.Exec(ctx, "SELECT * FROM nowhere"); codeOf(err) != 60 {
				t.Errorf("error %v, want code 60", err)
			}
		})
	}
}

// TestForeignClientWorks runs ClickHouse's own JavaScript client, which `make libchdb` installs beside the library.
func TestForeignClientWorks(t *testing.T) {
	server := chdbtest.Start(t)
	cmd := exec.CommandContext(within(t, time.Minute), "node", "testdata/client.mjs", "http://"+server.HTTPAddr, server.Database)
	cmd.Env = append(os.Environ(), "NODE_PATH=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the npm client @clickhouse/client fails (is it installed? `make libchdb`): %v\n%s", err, out)
	}
	if want := "client ok"; !strings.Contains(string(out), want) {
		t.Errorf("output %q lacks %q", out, want)
	}
	fmt.Fprintf(t.Output(), "%s", out)
}
