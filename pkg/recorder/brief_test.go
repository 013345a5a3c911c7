package recorder

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/waymark-events/waymark/pkg/event"
)

// sameAsDecode fails where a glance, or the Brief that is made of one, says other things of an event than Decode, and tells whether there is one.
func sameAsDecode(t testing.TB, value []byte) bool {
	t.Helper()
	var b BriefReader
	var got Brief
	size, depth, ok := b.Read(value, &got)
	if !ok {
		return false
	}
	var e Event
	if err := Decode(value[:size], &e); err != nil || len(e.Warnings) > 0 {
		t.Fatalf("read in brief, but decoded: %v, warnings %v: %q", err, e.Warnings, value[:size])
	}
	if diff := cmp.Diff(e, b.glance.e); diff != "" {
		t.Fatalf("decoded (-) and at a glance (+): %s in %q", diff, value[:size])
	}
	want := Brief{
		ID: e.ID, Type: e.Type, ItemType: e.Data.Type, ItemName: e.Data.Name, PlayID: e.Data.PlayID, GUID: e.User.GUID, UserID: e.User.ID, Provider: e.User.Provider,
		Session: e.Session, Environment: e.Environment, Consent: e.Consent.Status, Purposes: e.Consent.Purposes,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("decoded (-) and in brief (+): %s in %q", diff, value[:size])
	}
	if want := nesting(value[:size]); depth != want {
		t.Fatalf("depth %d, want %d: %q", depth, want, value[:size])
	}
	return true
}

// nesting is how deep brackets nest in valid JSON.
func nesting(value []byte) (most int) {
	deep, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			deep++
			most = max(most, deep)
		case c == '}' || c == ']':
			deep--
		}
	}
	return most
}

// briefCases are members that are put into an event, and whether it is read in brief.
var briefCases = []struct {
	member string
	brief  bool
}{
	{`"id":"0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f"`, true},
	{`"id":5`, false},
	{`"id":"undefined"`, false},
	{`"id":""`, true},
	{`"session":"` + strings.Repeat("s", MaxID) + `"`, true},
	{`"session":"` + strings.Repeat("s", MaxID+1) + `"`, false},
	{`"session":"a\u0062c"`, true},
	{`"session":null`, true},
	{`"session":true`, false},
	{`"time":2`, false}, // twice
	{`"unknown":{"a":[1,-2.5e-7,{"b":null}],"c":"\ud83d\ude00"}`, false},
	{`"unknown":{"a":[1,-2.5e-7,{"b":null},[],{}],"c":"😀\n\/\u00e9"}`, true},
	{`"unknown":{"a":1,"a":2}`, false},
	{`"unknown":{"a":1,"\u0061":2}`, false},
	{`"unknown":[1,]`, false},
	{`"unknown":[01]`, false},
	{`"unknown":[1.]`, false},
	{`"unknown":[-]`, false},
	{`"unknown":[1e]`, false},
	{`"unknown":[,1]`, false},
	{`"unknown":nul`, false},
	{`"unknown":truer`, false},
	{`"unknown":"` + "\x01" + `"`, false},
	{`"unknown":"` + "\xff" + `"`, false},
	{`"unknown":"\x"`, false},
	{`"unknown":"\u12g4"`, false},
	{`"events":[]`, false},
	{`"props":{"plan":"pro","seats":12,"price":1.5}`, true},
	{`"props":{"price":1.5e3}`, false},
	{`"props":[]`, false},
	{`"props":"x"`, false},
	{`"props":{"` + strings.Repeat("n", MaxNameLength+1) + `":1}`, false},
	{`"consent":"granted"`, true},
	{`"consent":{"status":"denied"}`, true},
	{`"consent":{"status":"maybe"}`, false},
	{`"consent":""`, false},
	{`"consent":{"purposes":{"ads":true,"analytics":false,"other":null}}`, true},
	{`"consent":{"purposes":{"ads":1}}`, false},
	{`"company":{"id":"c1","more":[]}`, true},
	{`"company":"c1"`, false},
	{`"company":null`, true},
	{`"env":{"browser":{"name":"Chrome","version":"1","string":"Chrome 1"},"os":{"name":"x"},"screen":{"width":65535,"height":0},"language":"en","timezone":"UTC"}`, true},
	{`"env":{"screen":{"width":65536}}`, false},
	{`"env":{"screen":{"width":"1"}}`, false},
	{`"env":{"screen":{"width":00}}`, false},
	{`"env":{"browser":"Chrome"}`, false},
	{`"page":{"url":"https://x/` + strings.Repeat("p", MaxURL) + `"}`, false},
	{`"page":{"url":"https://x/?q=\"","title":"ä","referrer":""}`, true},
	{`"user":{"guid":"g","id":"u","provider":"idp","traits":{"a":{"b":1}}}`, true},
	{`"user":{"guid":7}`, false},
	{`"user":{"traits":[]}`, false},
	{`"library":{"name":"n","version":1}`, false},
	{`"library":{"name":"n","version":"1"}`, true},
	{`"library":{"name":"n\u00e9\n","version":null}`, true},
	{`"props": { "a" : [ 1 , {"b":"\u0041"} ] } `, true},
	{`"props":null`, true},
	{`"env":{"browser":null,"os":{"name":null},"screen":{"width":null}}`, true},
}

// detailCases are what a kind of item adds to data, and whether it is read in brief.
var detailCases = []struct {
	member string
	brief  bool
}{
	{`"step":{"id":"s1","index":0,"count":3,"name":"Press"}`, true},
	{`"step":{"id":1,"index":null,"count":null}`, true},
	{`"step":{"index":2147483647}`, true},
	{`"step":{"index":2147483648}`, false},
	{`"step":{"index":1.5}`, false},
	{`"step":null`, true},
	{`"preview":true,"iteration":2,"language":"en","dismissReason":"closed","pId":"1-2-3"`, true},
	{`"pInit":{"type":"launcher"}`, true},
	{`"pInit":{"type":"a\u0062","of":{"type":"x"}}`, true},
	{`"pInit":{"of":{"type":"x"},"type":7}`, true},
	{`"pInit":{"type":"` + strings.Repeat("w", MaxWord+1) + `"}`, true},
	{`"pInit":{"type":"\ud83d\ude00"}`, false},
	{`"pInit":null`, true},
	{`"pInit":"launcher"`, false},
	{`"error":{"code":"element_not_found","message":"no \"button\""}`, true},
	{`"error":{"code":404}`, true},
	{`"error":{}`, true},
	{`"goal":{"id":1,"main":true},"lesson":{"id":"l"},"quiz":{"score":0.5,"passed":false},"action":{"id":"a"},"rule":{"id":"r"}`, true},
	{`"quiz":{"score":1e400}`, false},
	{`"answers":[{"question":"q","answer":[1,null]}]`, true},
	{`"answers":{}`, false},
	{`"query":"how \"to\"","event":"Signed up"`, true},
	{`"query":null,"event":""`, true},
	{`"query":5`, false},
	{`"query":"` + strings.Repeat("q", MaxName+1) + `"`, false},
	{`"result":null`, true},
	{`"result":{"id":"r"}`, true},
	{`"result":[]`, false},
}

// detailed is an event with a member of detailCases.
func detailed(member string) []byte {
	return []byte(`{"time":1700000000000.25,"type":"play","data":{"type":"wt","oId":"7",` + member + `}}`)
}

func TestWhatIsReadInBriefIsWhatDecodeReads(t *testing.T) {
	for _, c := range briefCases {
		value := `{"time":1700000000000,"type":"play","data":{"type":"wt","oId":7,"oName":"Log in"},` + c.member + `}`
		if got := sameAsDecode(t, []byte(value)); got != c.brief {
			t.Errorf("read in brief: %v, want %v: %.200s", got, c.brief, value)
		}
	}
	for _, c := range detailCases {
		if got := sameAsDecode(t, detailed(c.member)); got != c.brief {
			t.Errorf("read in brief: %v, want %v: %.200s", got, c.brief, detailed(c.member))
		}
	}
	for value, brief := range map[string]bool{
		`{"time":1,"type":"play","data":{"type":"wt"}} more`: true, // of what follows others decide
		`{"time":1,"type":"play","data":{"type":"wt"},}`:     false,
		`{"time":1 "type":"play","data":{"type":"wt"}}`:      false,
		`{"time":1,"type":"play","data":{"type":"wt"}`:       false,
		`{"time":1,"type":"play","data":{"type":""}}`:        false,
		`{"time":null,"type":"play","data":{"type":"wt"}}`:   false,
		`{"time":1,"type":null,"data":{"type":"wt"}}`:        false,
		`{"time":-1,"type":"play","data":{"type":"wt"}}`:     false,
		`{"time":1.5,"type":"play","data":{"type":"wt"}}`:    true,
		`{"time":1e3,"type":"play","data":{"type":"wt"}}`:    false,
		`{"time":1,"type":"play"}`:                           false,
		`[]`:                                                 false,
		``:                                                   false,
	} {
		if got := sameAsDecode(t, []byte(value)); got != brief {
			t.Errorf("read in brief: %v, want %v: %s", got, brief, value)
		}
	}
}

// Names that all have one hash are compared with each other; that is bounded.
func TestABriefEndsEarlyForNamesThatWereChosen(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		text.WriteString(`,"u` + string(rune('a'+i%25)) + string(rune('a'+i/25)) + `":{`)
		for j := range 60 {
			if j > 0 {
				text.WriteByte(',')
			}
			text.WriteString(`"a` + string(rune('A'+j%26)) + string(rune('a'+j/26)) + `z_` + string(rune('A'+j%26)) + `a":0`)
		}
		text.WriteByte('}')
	}
	value := `{"time":1,"type":"play","data":{"type":"wt"}` + text.String() + `}`
	if sameAsDecode(t, []byte(value)) {
		t.Error("3,000 names with few hashes were read in brief")
	}
}

func TestThePublishedExamplesAreReadInBrief(t *testing.T) {
	files, err := filepath.Glob("../../schemas/events/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		value, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !sameAsDecode(t, value) {
			t.Errorf("%s is not read in brief", file)
		}
	}
}

func TestABriefBecomesWhatIsSent(t *testing.T) {
	var b BriefReader
	var read Brief
	if _, _, ok := b.Read([]byte(full), &read); !ok {
		t.Fatal("not read in brief")
	}
	var want, got event.Sent
	if err := DecodeSent([]byte(full), &want); err != nil {
		t.Fatal(err)
	}
	read.Sent(&got)
	want = event.Sent{
		ID: want.ID, Event: want.Event, ItemType: want.ItemType, ItemName: want.ItemName, InteractionID: want.InteractionID, User: want.User, Session: want.Session,
		Environment: want.Environment, Consent: want.Consent,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error(diff)
	}
}

// sameSent fails where DecodeSent, which glances first, gives something else than what Decode gives becomes.
func sameSent(t testing.TB, value []byte) {
	t.Helper()
	var got, want event.Sent
	gotErr := DecodeSent(value, &got)
	var e Event
	wantErr := Decode(value, &e)
	e.Sent(&want)
	want.Trigger, want.FailureReason = "", ""
	if e.Data.Init != nil {
		want.Trigger = wordOf(e.Data.Init, "type")
	}
	if e.Data.Error != nil {
		want.FailureReason = wordOf(e.Data.Error, "code")
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("Decode (-) and DecodeSent (+): %s in %q", diff, value)
	}
	if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
		t.Fatalf("Decode: %v, DecodeSent: %v: %q", wantErr, gotErr, value)
	}
}

func TestWhatIsSentIsTheSameByAGlance(t *testing.T) {
	values := []string{full + " \n", full + "{}", full + " ,", full + "\x00", `[]`, `{0:1}`, `{"t\u0069me":1,"type":"play","data":{"type":"wt"}}`}
	for size := range len(full) + 1 { // each where the memory ends
		values = append(values, full[:size])
	}
	for _, c := range briefCases {
		values = append(values, `{"time":1700000000000,"type":"play","data":{"type":"wt","oId":7,"oName":"Log in"},`+c.member+`}`)
	}
	for _, c := range detailCases {
		values = append(values, string(detailed(c.member)))
	}
	for _, value := range values {
		sameSent(t, slices.Clip([]byte(value)))
	}
}

// What lies in a pool keeps nothing that it was read from: that may be megabytes.
func TestAGlanceForgetsItsEvent(t *testing.T) {
	g := new(glance)
	if _, _, ok := g.read([]byte(full)); !ok {
		t.Fatal("not read at a glance")
	}
	g.forget()
	if diff := cmp.Diff(Event{}, g.e); diff != "" {
		t.Error(diff)
	}
}

// What one event had is not in the next one, whose memory is the same.
func TestAGlanceBeginsAnew(t *testing.T) {
	var out event.Sent
	if err := DecodeSent([]byte(full), &out); err != nil {
		t.Fatal(err)
	}
	const least = `{"time":1,"type":"play","data":{"type":"wt"}}`
	if err := DecodeSent([]byte(least), &out); err != nil {
		t.Fatal(err)
	}
	want := event.Sent{Time: 1, Event: "play", ItemType: event.Walkthru}
	if diff := cmp.Diff(want, out, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func FuzzBrief(f *testing.F) {
	f.Add([]byte(full))
	for _, c := range briefCases {
		f.Add([]byte(`{"time":1700000000000,"type":"play","data":{"type":"wt","oId":7,"oName":"Log in"},` + c.member + `}`))
	}
	for _, c := range detailCases {
		f.Add(detailed(c.member))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		sameAsDecode(t, value)
		sameSent(t, value)
	})
}

// BenchmarkBrief is bound by the bytes: a quarter of it is strings, eight bytes at once.
func BenchmarkBrief(b *testing.B) {
	value := []byte(full)
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	var r BriefReader
	var out Brief
	for b.Loop() {
		if _, _, ok := r.Read(value, &out); !ok {
			b.Fatal("not read in brief")
		}
	}
}

func BenchmarkDecodeSent(b *testing.B) {
	value := []byte(full)
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	var out event.Sent
	for b.Loop() {
		if err := DecodeSent(value, &out); err != nil {
			b.Fatal(err)
		}
	}
}
