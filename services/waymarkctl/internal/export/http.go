package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// A Server is ClickHouse's HTTP interface (https://clickhouse.com/docs/interfaces/http): it renders rows in its own formats, which the native protocol
// does not. It is safe for concurrent use.
type Server struct {
	base   string
	cfg    clickhouse.Config
	client *http.Client
}

// NewServer is the server of a region's settings. base is its URL; empty means port 8123 of the first address, or 8443 with TLS.
func NewServer(cfg clickhouse.Config, base string) (*Server, error) {
	cfg = cfg.WithDefaults()
	cfg.TLS.Enabled = cfg.TLS.Enabled || strings.HasPrefix(base, "https://")
	encrypted, err := cfg.TLS.Config()
	if err != nil {
		return nil, err
	}
	if base == "" {
		host, _, err := net.SplitHostPort(cfg.Addresses[0])
		if err != nil {
			return nil, fmt.Errorf("addresses[0]: %w", err)
		}
		base = "http://" + net.JoinHostPort(host, "8123")
		if encrypted != nil {
			base = "https://" + net.JoinHostPort(host, "8443")
		}
	}
	dialer := net.Dialer{Timeout: cfg.DialTimeout}
	return &Server{base, cfg, &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: encrypted, TLSHandshakeTimeout: cfg.DialTimeout, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a password goes to nobody else
	}}, nil
}

// Close ends the idle connections.
func (s *Server) Close() { s.client.CloseIdleConnections() }

// Copy writes a SELECT's rows to out in one of ClickHouse's formats, as they come, and returns how many bytes that were. Parameters stand for {name:Type} in the
// statement. When it fails, out has a part of the rows at most.
func (s *Server) Copy(ctx context.Context, out io.Writer, statement, format string, parameters map[string]string) (int64, error) {
	values := url.Values{"database": {s.cfg.Database}}
	for name, value := range parameters {
		values.Set("param_"+name, escape.Replace(value))
	}
	body := strings.TrimRight(statement, "; \n\t") + "\nFORMAT " + format
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/?"+values.Encode(), strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-ClickHouse-User", s.cfg.User)
	if password := string(s.cfg.Password); password != "" {
		req.Header.Set("X-ClickHouse-Key", password)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		var told *url.Error
		if errors.As(err, &told) { // its URL holds the parameters, which may be a person's
			err = told.Err
		}
		return 0, fmt.Errorf("ClickHouse over HTTP (%s): %w", s.base, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10)) // what was read says enough
		if code := resp.Header.Get("X-ClickHouse-Exception-Code"); code == "" {
			return 0, fmt.Errorf("%s answers %s: is it ClickHouse's HTTP interface?", s.base, resp.Status)
		}
		return 0, errors.New(strings.TrimSpace(string(text)))
	}
	end := &tail{mark: resp.Header.Get("X-ClickHouse-Exception-Tag")}
	n, err := io.Copy(io.MultiWriter(out, end), resp.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		// The connection is cut where a query fails after its first rows, with the reason before the cut.
		if reason := end.exception(); reason != "" {
			return n, errors.New(reason)
		}
		return n, errors.New("the connection ended before the last row")
	}
	if err != nil {
		return n, fmt.Errorf("after %d bytes: %w", n, err)
	}
	return n, nil
}

// escape writes a parameter's value as ClickHouse reads one: as a cell of TabSeparated.
var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`)

// A tail remembers the last bytes of a stream.
type tail struct {
	mark string
	last []byte
}

// tailBytes is more than the longest exception that ClickHouse writes behind rows (16 KiB).
const tailBytes = 20 << 10

func (t *tail) Write(p []byte) (int, error) {
	if len(p) >= tailBytes {
		t.last = append(t.last[:0], p[len(p)-tailBytes:]...)
		return len(p), nil
	}
	if over := len(t.last) + len(p) - tailBytes; over > 0 {
		t.last = t.last[:copy(t.last, t.last[over:])]
	}
	t.last = append(t.last, p...)
	return len(p), nil
}

// exception is the reason that ClickHouse wrote behind the rows, between marks that the answer's header names; empty where there is none.
func (t *tail) exception() string {
	if t.mark == "" {
		return ""
	}
	_, reason, found := bytes.Cut(t.last, []byte("__exception__\r\n"+t.mark+"\r\n"))
	if !found {
		return ""
	}
	first, _, _ := bytes.Cut(reason, []byte("\n"))
	return string(bytes.TrimSpace(first))
}
