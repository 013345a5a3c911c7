package chdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/services/local/chdb/internal/libchdb"
	"github.com/waymark-events/waymark/services/local/chdb/internal/native"
	"github.com/waymark-events/waymark/services/local/chdb/internal/statement"
)

// Bounds of one request.
const (
	maxInsertHead = 256 << 10 // bytes of a body in which an INSERT's FORMAT must come (ClickHouse: max_query_size)
	maxQueryBody  = 64 << 20  // bytes of a query that is no INSERT
)

// handler serves ClickHouse's HTTP interface: /ping, and queries at any other path.
func (e *Engine) handler() http.Handler {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Ok.\n") }
	mux.HandleFunc("/ping", ok)
	mux.HandleFunc("/replicas_status", ok)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.URL.RawQuery == "" {
			ok(w, r)
			return
		}
		e.serveQuery(w, r)
	})
	return mux
}

// serveQuery runs one request's query in a session of its own.
func (e *Engine) serveQuery(w http.ResponseWriter, r *http.Request) {
	reply := newReply(w, r, e)
	if err := e.answer(reply, r); err != nil {
		var gone *connError
		if errors.As(err, &gone) || r.Context().Err() != nil {
			e.log.Debug("HTTP client of ClickHouse is gone", zap.String("client", r.RemoteAddr), zap.Error(err))
			return
		}
		reply.fail(asException(err))
		return
	}
	if err := reply.close(); err != nil {
		e.log.Debug("HTTP client of ClickHouse is gone", zap.String("client", r.RemoteAddr), zap.Error(err))
	}
}

func (e *Engine) answer(reply *reply, r *http.Request) error {
	args := r.URL.Query()
	user, password := credentials(r, args)
	if !e.Credentials.accepts(user, password) {
		return authenticationFailed(user)
	}
	body, err := requestBody(r, args.Get("decompress") == "1")
	if err != nil {
		return err
	}
	q, err := readHTTPQuery(args, body)
	if err != nil {
		return err
	}
	s, err := e.newSession(first(args.Get("database"), r.Header.Get("X-ClickHouse-Database")))
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.apply(querySettings(r.Method, args)); err != nil {
		return err
	}
	stop := context.AfterFunc(r.Context(), s.kill)
	defer stop()
	given := first(r.Header.Get("X-ClickHouse-Format"), args.Get("default_format"))
	if q.statement.Insert != nil {
		return s.insertHTTP(reply, q, given)
	}
	return s.runHTTP(reply, q, first(q.statement.Format, given, "TabSeparated"), args.Get("wait_end_of_query") == "1")
}

// credentials takes the first of the three places where a client may show them.
func credentials(r *http.Request, args url.Values) (user, password string) {
	if u := r.Header.Get("X-ClickHouse-User"); u != "" || r.Header.Get("X-ClickHouse-Key") != "" {
		return u, r.Header.Get("X-ClickHouse-Key")
	}
	if u, p, ok := r.BasicAuth(); ok {
		return u, p
	}
	return args.Get("user"), args.Get("password")
}

func first(candidates ...string) string {
	for _, c := range candidates {
		if c != "" {
			return c
		}
	}
	return ""
}

// httpQuery is what a request asks for.
type httpQuery struct {
	statement statement.Statement
	data      io.Reader // rows of an INSERT
	params    []libchdb.Param
	revision  uint64 // of the protocol, for a result in FORMAT Native; 0 for the format as it is in files
}

// readHTTPQuery puts the query together: the URL's part, then the body, which for an INSERT is the data and is not read here.
func readHTTPQuery(args url.Values, body io.Reader) (httpQuery, error) {
	var q httpQuery
	if revision, err := strconv.ParseUint(args.Get("client_protocol_version"), 10, 32); err == nil {
		q.revision = min(revision, native.Revision)
	}
	for name, values := range args {
		if p, ok := strings.CutPrefix(name, "param_"); ok {
			q.params = append(q.params, libchdb.Param{Name: p, Value: values[0]})
		}
	}
	sql := args.Get("query")
	if sql != "" {
		if q.statement = statement.Parse(sql); q.statement.Insert != nil {
			q.data = io.MultiReader(strings.NewReader(q.statement.Insert.Data), body)
			return q, nil
		}
		sql += "\n"
	}
	head, err := io.ReadAll(io.LimitReader(body, maxInsertHead))
	if err != nil {
		return q, fmt.Errorf("read the request's body: %w", err)
	}
	if q.statement = statement.Parse(sql + string(head)); q.statement.Insert != nil {
		q.data = io.MultiReader(strings.NewReader(q.statement.Insert.Data), body)
		return q, nil
	}
	rest, err := io.ReadAll(io.LimitReader(body, maxQueryBody))
	if err != nil {
		return q, fmt.Errorf("read the request's body: %w", err)
	}
	if len(rest) == maxQueryBody {
		return q, &libchdb.Exception{Code: codeQueryTooLarge, Name: "QUERY_IS_TOO_LARGE", Message: fmt.Sprintf("A query of more than %d bytes. (QUERY_IS_TOO_LARGE)", maxQueryBody)}
	}
	q.statement = statement.Parse(sql + string(head) + string(rest))
	return q, nil
}

// notSettings are URL arguments that are the interface's own.
var notSettings = map[string]bool{
	"query": true, "database": true, "default_format": true, "user": true, "password": true, "query_id": true,
	"session_id": true, "session_timeout": true, "session_check": true, "session_timezone_check": true, "compress": true, "decompress": true, "quota_key": true,
	"stacktrace": true, "enable_http_compression": true, "http_zlib_compression_level": true, "wait_end_of_query": true,
	"send_progress_in_http_headers": true, "http_headers_progress_interval_ms": true, "buffer_size": true, "role": true,
	"add_http_cors_header": true, "client_protocol_version": true, "close_session": true, "http_response_headers": true,
}

// querySettings are all other arguments; a GET must not change anything.
func querySettings(method string, args url.Values) (settings []native.Setting) {
	for name, values := range args {
		if notSettings[name] || strings.HasPrefix(name, "param_") {
			continue
		}
		settings = append(settings, native.Setting{Name: name, Value: values[0]})
	}
	if method == http.MethodGet && !args.Has("readonly") {
		settings = append(settings, native.Setting{Name: "readonly", Value: "2"})
	}
	return settings
}

// insertHTTP feeds the request's rows to the engine as they come.
func (s *session) insertHTTP(reply *reply, q httpQuery, given string) error {
	into, err := s.Insert(q.statement.Insert.Head, first(q.statement.Format, given, "Values"), q.params...)
	if err != nil {
		return err
	}
	defer into.Close()
	buf := make([]byte, 256<<10)
	for failed, ended := false, false; !failed && !ended; {
		n, err := q.data.Read(buf)
		failed = into.Write(buf[:n]) != nil // Commit tells why
		if ended = errors.Is(err, io.EOF); err != nil && !ended {
			return fmt.Errorf("read the request's rows: %w", err)
		}
	}
	stats, err := into.Commit()
	if err != nil {
		return err
	}
	reply.summary(stats)
	return nil
}

// rowFormats hold nothing but rows, so that the chunks of a streamed result are its whole when put together.
var rowFormats = map[string]bool{
	"TabSeparated": true, "TSV": true, "TabSeparatedRaw": true, "TSVRaw": true, "CSV": true, "JSONEachRow": true, "JSONLines": true,
	"NDJSON": true, "JSONCompactEachRow": true, "JSONStringsEachRow": true, "RowBinary": true, "Native": true, "LineAsString": true,
}

// runHTTP sends a query's result. One in a format with a head or foot is made as a whole first.
func (s *session) runHTTP(reply *reply, q httpQuery, format string, whole bool) error {
	reply.format(format)
	write := reply.write
	if format == "Native" && q.revision > 0 {
		write = func(chunk []byte) error { return eachBlock(chunk, q.revision, reply.write) }
	}
	if whole || !rowFormats[format] {
		r, err := s.Query(q.statement.SQL, format, q.params...)
		if err != nil {
			return err
		}
		defer r.Free()
		reply.summary(r.Stats)
		return write(r.Bytes())
	}
	var total libchdb.Stats
	return s.eachChunk(q.statement.SQL, format, q.params, func(chunk []byte, stats libchdb.Stats) error {
		addStats(&total, stats)
		reply.summary(total) // of the first chunk: later ones find the headers sent
		return write(chunk)
	})
}

// eachBlock rewrites blocks for a client that names its protocol revision, as clickhouse-go does over HTTP too.
func eachBlock(chunk []byte, revision uint64, write func([]byte) error) error {
	for t := native.BytesTape(chunk); t.Buffered() > 0; {
		b, err := native.ReadBlock(t, 0)
		if err != nil {
			return fmt.Errorf("read the engine's result: %w", err)
		}
		if err := write(b.AppendWire(nil, revision)); err != nil {
			return err
		}
	}
	return nil
}

// summaryText is X-ClickHouse-Summary: numbers as strings.
func summaryText(s libchdb.Stats) string {
	n := func(v uint64) string { return strconv.FormatUint(v, 10) }
	text, err := json.Marshal(map[string]string{
		"read_rows": n(s.ReadRows), "read_bytes": n(s.ReadBytes), "written_rows": n(s.WrittenRows), "written_bytes": n(s.WrittenBytes),
		"total_rows_to_read": "0", "result_rows": n(s.ResultRows), "result_bytes": n(s.ResultBytes), "elapsed_ns": n(uint64(s.Seconds * 1e9)),
	})
	if err != nil {
		return "{}"
	}
	return string(text)
}

func newQueryID(args url.Values) string {
	if id := args.Get("query_id"); id != "" && !strings.ContainsAny(id, "\r\n") {
		return id
	}
	return uuid.NewString()
}
