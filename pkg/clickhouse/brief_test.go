package clickhouse

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

func TestBriefQuotesNoValueAndKeepsTheKindOfError(t *testing.T) {
	const planted = "jane@doe.example"
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a value of a row":             {&proto.Exception{Code: 117, Message: `Cannot parse JSON object here: {"mail":"` + planted + `"`}, "ClickHouse answers with error 117"},
		"a code that nobody knows":     {&proto.Exception{Code: 9_999, Message: planted}, "ClickHouse answers with error 9999"},
		"a view":                       {&proto.Exception{Code: 252, Message: planted + ": while pushing to view waymark.seen (1234)"}, "ClickHouse answers with error 252, in the materialized view waymark.seen"},
		"the driver":                   {&RowError{"asn", errors.New("cannot convert " + planted)}, "column asn does not take a value"},
		"a sentence that quotes none":  {&proto.Exception{Code: 252, Message: "Too many parts (300)"}, "code: 252, message: Too many parts (300)"},
		"the network":                  {errors.New("connection refused"), "connection refused"},
		"a wrong password, wrapped up": {fmt.Errorf("ping: %w", &proto.Exception{Code: 516, Message: "Authentication failed"}), "ping: code: 516, message: Authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Brief(fmt.Errorf("insert: %w", c.err))
			if text := strings.TrimPrefix(got.Error(), "insert: "); text != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
			if Classify(got) != Classify(c.err) || Code(got) != Code(c.err) || FailedView(got) != FailedView(c.err) {
				t.Errorf("it is %v, %s, of view %q", Classify(got), Code(got), FailedView(got))
			}
		})
	}
}
