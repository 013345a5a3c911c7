package segment

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
)

var rewrite = flag.Bool("rewrite", false, "write what the decoder makes of the recorded messages")

// A recorded message is one that a published SDK has sent, to the last byte.
type recorded struct{ Format, Message string }

// TestWhatPublishedSDKsSend decodes what each client sent, and compares with what it became when somebody last looked at it.
func TestWhatPublishedSDKsSend(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	clients := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".golden.json") {
			continue
		}
		clients++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			golden := strings.TrimSuffix(file, ".json") + ".golden.json"
			got := render(t, decodeAll(t, file))
			if *rewrite {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("the messages became\n%s\nand not what %s has; -rewrite writes it", got, golden)
			}
		})
	}
	if clients != 9 {
		t.Errorf("%d clients, want 9", clients)
	}
}

func readRecorded(t testing.TB, file string) (messages []recorded) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &messages); err != nil {
		t.Fatal(err)
	}
	return messages
}

func decodeAll(t *testing.T, file string) (all []event.Sent) {
	t.Helper()
	for _, m := range readRecorded(t, file) {
		var sent event.Sent
		method, _ := strings.CutPrefix(strings.TrimPrefix(m.Format, event.FormatSegment), "/")
		if err := Decode([]byte(m.Message), nil, method, &sent); err != nil {
			t.Fatalf("%s: %v", m.Message, err)
		}
		all = append(all, sent)
	}
	return all
}

// render is what was said, without what was not.
func render(t *testing.T, all []event.Sent) []byte {
	t.Helper()
	var out []any
	for _, sent := range all {
		out = append(out, said(reflect.ValueOf(sent)))
	}
	text, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func said(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.Pointer:
		return said(v.Elem())
	case v.Type() == reflect.TypeFor[[]byte]():
		return string(v.Bytes())
	case v.Kind() == reflect.Slice:
		var out []any
		for i := range v.Len() {
			out = append(out, said(v.Index(i)))
		}
		return out
	case v.Kind() == reflect.Struct && v.NumField() > 0 && v.Type().Field(0).IsExported():
		out := map[string]any{}
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() && (f.Kind() != reflect.Slice || f.Len() > 0) {
				out[v.Type().Field(i).Name] = said(f)
			}
		}
		return out
	}
	return v.Interface()
}
