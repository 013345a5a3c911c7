// Package openapi holds schemas/openapi.yaml against a running edge: each operation is asked for each answer that the document has of it.
package openapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"
	"github.com/pb33f/libopenapi-validator/errors"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge"
	"github.com/waymark-events/waymark/services/local/e2e/inprocess"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// Keys of the tests, and the page that may send.
const (
	key      = "wk_of_test"
	farKey   = "wk_far_away"
	shop     = "https://shop.example"
	stranger = "https://evil.example"
)

// timeout bounds a request of the usual edge: what does not come in time is 408.
const timeout = 2 * time.Second

var accounts = `accounts:
- {id: a, region: us, keys: [{sha256: ` + account.HashKey(key) + `, scope: any}], policy: {level: 3}, drop: [{event: noise}]}
- {id: far, region: ap, keys: [{sha256: ` + account.HashKey(farKey) + `, scope: any}]}
`

// start runs an edge for region us until the test ends, and returns its address.
func start(t *testing.T, kafka, accounts string, change func(*edge.Config)) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := edge.DefaultConfig()
	cfg.Listener, cfg.Accounts, cfg.Timeouts.Leave, cfg.AllowedOrigins = l, file, 0, []string{shop}
	region := edge.Region{}
	region.Kafka.Brokers = []string{kafka}
	cfg.Regions = map[string]edge.Region{"us": region}
	change(&cfg)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	inprocess.Start(t, "edge", func(ctx context.Context, tel telemetry.Telemetry) error { return edge.Run(ctx, cfg, tel) })
	return "http://" + l.Addr().String()
}

// startKafka has region us's raw topic.
func startKafka(t *testing.T) string {
	t.Helper()
	address := kafkatest.Start(t)
	kafkatest.Topic(t, kafkatest.Client(t, address), schemas.RawTopic("us"), 2, nil)
	return address
}

// A contract is the document, as tests ask it.
type contract struct {
	model    *v3.Document
	validate validator.Validator
}

// read reads a document. Errors are those that it has as OpenAPI 3.1.
func read(text []byte) (*contract, error) {
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document, config.WithFormatAssertions(), config.WithBodyDecoder("application/x-ndjson", content.DecoderFunc(asText)))
	if len(errs) > 0 {
		return nil, errs[0]
	}
	if ok, found := v.ValidateDocument(); !ok {
		return nil, reasons(found)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		return nil, err
	}
	return &contract{&model.Model, v}, nil
}

// asText is a body that is a text and no JSON, since it is several.
func asText(in *content.DecodeInput) (any, error) {
	text, err := io.ReadAll(in.Body)
	return string(text), err
}

// An operation is one of a path.
type operation struct{ method, path string }

func (o operation) String() string { return o.method + " " + o.path }

// operations are all of the document, with the statuses that it has of each.
func (c *contract) operations() map[operation][]string {
	all := map[operation][]string{}
	for path, item := range c.model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			o := operation{strings.ToUpper(method), path}
			for status := range op.Responses.Codes.FromOldest() {
				all[o] = append(all[o], status)
			}
		}
	}
	return all
}

// A request is what a test sends, so that it can be sent and validated, each with a body of its own.
type request struct {
	method, path string // with its query
	header       http.Header
	body         string
	plain        string // what body says, where it is compressed
	slow         bool   // the body does not come to its end
}

func (r request) at(t *testing.T, edge string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.method, edge+r.path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.header.Clone()
	return req
}

// An answer is one that was read to its end.
type answer struct {
	uri    string // that was asked for
	status int
	header http.Header
	text   []byte
}

// send sends r.
func (r request) send(t *testing.T, edge string) answer {
	t.Helper()
	var body io.Reader
	switch {
	case r.slow:
		from, to := io.Pipe()
		t.Cleanup(func() { _ = to.Close() })
		body = io.MultiReader(strings.NewReader(r.body), from)
	case r.body != "":
		body = strings.NewReader(r.body)
	}
	resp, err := client.Do(r.at(t, edge, body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.Request.URL.RequestURI(), resp.StatusCode, resp.Header, text}
}

// client follows nothing and asks for no compression of its own.
var client = &http.Client{Transport: &http.Transport{DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// right fails where a request is not as the document wants it.
func (c *contract) right(t *testing.T, r request) error {
	t.Helper()
	body := r.body
	if r.plain != "" {
		body = r.plain
	}
	if ok, found := c.validate.ValidateHttpRequestSync(r.at(t, "http://edge", strings.NewReader(body))); !ok {
		return reasons(found)
	}
	return nil
}

// answered fails where an answer is none that the document has of an operation.
func (c *contract) answered(t *testing.T, o operation, a answer) error {
	t.Helper()
	asked := request{method: o.method, path: a.uri, header: http.Header{}}
	resp := &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.text))}
	ok, found := c.validate.ValidateHttpResponse(asked.at(t, "http://edge", nil), resp)
	if !ok {
		return reasons(found)
	}
	return nil
}

func reasons(found []*errors.ValidationError) error {
	var all []string
	for _, e := range found {
		text := e.Message + ": " + e.Reason
		for _, s := range e.SchemaValidationErrors {
			text += fmt.Sprintf(" (%s: %s)", s.KeywordLocation, s.Reason)
		}
		all = append(all, text)
	}
	return fmt.Errorf("%s", strings.Join(all, "; "))
}
