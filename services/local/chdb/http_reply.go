package chdb

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/waymark-events/waymark/services/local/chdb/internal/libchdb"
	"github.com/waymark-events/waymark/services/local/chdb/internal/native"
)

// reply writes one HTTP response, compressed as the client asked.
type reply struct {
	w       http.ResponseWriter
	engine  *Engine
	body    io.Writer
	closers []io.Closer
	started bool
}

func newReply(w http.ResponseWriter, r *http.Request, e *Engine) *reply {
	args := r.URL.Query()
	p := &reply{w: w, engine: e, body: w}
	h := w.Header()
	h.Set("X-ClickHouse-Query-Id", newQueryID(args))
	h.Set("X-ClickHouse-Server-Display-Name", e.version.Name)
	h.Set("X-ClickHouse-Timezone", e.version.Timezone)
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	if args.Get("add_http_cors_header") == "1" && r.Header.Get("Origin") != "" {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if args.Get("enable_http_compression") == "1" {
		p.encode(r.Header.Get("Accept-Encoding"))
	}
	if args.Get("compress") == "1" {
		p.body = &frameWriter{to: p.body, framer: native.NewFramer(args.Get("network_compression_method"))}
	}
	return p
}

// encode takes the first content coding of the client's list that is known here.
func (p *reply) encode(accepted string) {
	for coding := range strings.SplitSeq(accepted, ",") {
		coding, _, _ = strings.Cut(strings.TrimSpace(coding), ";")
		var c io.WriteCloser
		switch coding {
		case "gzip":
			c = gzip.NewWriter(p.w)
		case "deflate":
			c = zlib.NewWriter(p.w)
		case "zstd":
			z, err := zstd.NewWriter(p.w, zstd.WithEncoderConcurrency(1))
			if err != nil {
				continue
			}
			c = z
		default:
			continue
		}
		p.w.Header().Set("Content-Encoding", coding)
		p.body, p.closers = c, append(p.closers, c)
		return
	}
}

func (p *reply) format(name string) {
	p.w.Header().Set("X-ClickHouse-Format", name)
	p.w.Header().Set("Content-Type", contentType(name))
}

func contentType(format string) string {
	switch {
	case format == "JSONEachRow" || format == "NDJSON" || format == "JSONLines" || strings.HasSuffix(format, "EachRow") && strings.HasPrefix(format, "JSON"):
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(format, "JSON"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(format, "CSVWithNames"):
		return "text/csv; charset=UTF-8; header=present"
	case strings.HasPrefix(format, "CSV"):
		return "text/csv; charset=UTF-8; header=absent"
	case strings.HasPrefix(format, "TabSeparated"), strings.HasPrefix(format, "TSV"):
		return "text/tab-separated-values; charset=UTF-8"
	case format == "Native", strings.HasPrefix(format, "RowBinary"), strings.HasPrefix(format, "Arrow"), format == "Parquet":
		return "application/octet-stream"
	}
	return "text/plain; charset=UTF-8"
}

// summary has no effect once the body has begun.
func (p *reply) summary(s libchdb.Stats) {
	if !p.started {
		p.w.Header().Set("X-ClickHouse-Summary", summaryText(s))
	}
}

func (p *reply) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	p.started = true
	if _, err := p.body.Write(b); err != nil {
		return &connError{err}
	}
	return nil
}

// close ends a response that succeeded.
func (p *reply) close() error {
	for _, c := range p.closers {
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

// fail tells the client an error: by status, header and body; or, when part of the result has gone out, by the error's text and
// a broken connection, so that no client takes the part for the whole.
func (p *reply) fail(e *libchdb.Exception) {
	text := fmt.Sprintf("Code: %d. DB::Exception: %s (version %s)\n", e.Code, e.Message, p.engine.Version())
	if p.started {
		if p.write([]byte("\n"+text)) == nil && p.close() == nil {
			p.abort()
		}
		return
	}
	h := p.w.Header()
	h.Del("Content-Encoding")
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("X-ClickHouse-Exception-Code", fmt.Sprint(e.Code))
	if e.Code == codeRequiredPassword || e.Code == codeAuthenticationFailed {
		h.Set("WWW-Authenticate", `Basic realm="ClickHouse server HTTP API"`)
	}
	p.w.WriteHeader(httpStatus(e.Code))
	io.WriteString(p.w, text)
}

// abort ends the connection without the chunk that would end the body.
func (p *reply) abort() {
	c := http.NewResponseController(p.w)
	if err := c.Flush(); err != nil {
		return
	}
	if conn, _, err := c.Hijack(); err == nil {
		conn.Close()
	}
}

// httpStatus follows ClickHouse's own mapping (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp) for the errors a client can cause.
func httpStatus(code int) int {
	switch code {
	case codeRequiredPassword:
		return http.StatusUnauthorized
	case 192, 193, codeAuthenticationFailed, 497, 164:
		return http.StatusForbidden
	case 6, 7, 26, 27, 36, 38, 41, 42, 43, 44, 53, 62, 69, 70, 72, 117, 130, 131, 386, 409, 427, 450, 456, 457, 636:
		return http.StatusBadRequest
	case 10, 16, 46, 47, 50, 56, 60, 63, 73, codeUnknownDatabase, codeUnknownSetting:
		return http.StatusNotFound
	case codeQueryTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	case 159:
		return http.StatusRequestTimeout
	case 202:
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

// frameWriter wraps what is written in ClickHouse's compressed frames (compress=1).
type frameWriter struct {
	to     io.Writer
	framer *native.Framer
}

func (f *frameWriter) Write(b []byte) (int, error) {
	framed, err := f.framer.Append(nil, b)
	if err != nil {
		return 0, err
	}
	if _, err := f.to.Write(framed); err != nil {
		return 0, err
	}
	return len(b), nil
}

// requestBody undoes the body's content coding and, for decompress=1, ClickHouse's frames.
func requestBody(r *http.Request, framed bool) (body io.Reader, err error) {
	body = r.Body
	switch coding := r.Header.Get("Content-Encoding"); coding {
	case "", "identity":
	case "gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = zlib.NewReader(body)
	case "raw-deflate":
		body = flate.NewReader(body)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20)); err == nil {
			body = z.IOReadCloser()
		}
	default:
		err = &libchdb.Exception{Code: codeNotImplemented, Name: "NOT_IMPLEMENTED", Message: fmt.Sprintf("Content-Encoding %.50q is not served. (NOT_IMPLEMENTED)", coding)}
	}
	if err != nil {
		return nil, err
	}
	if framed {
		body = native.UnframeReader(body)
	}
	return body, nil
}
