package ask

import (
	"encoding/json"
	"math"
	"testing"
)

func TestTagsTellAnswersApart(t *testing.T) {
	of := func(a Answer) string {
		t.Helper()
		tag, err := a.Tag()
		if err != nil {
			t.Fatal(err)
		}
		return tag
	}
	a := Answer{SQL: "x", Rows: [][]any{{1}}, Elapsed: 5}
	same, other, cut := a, a, a
	same.Elapsed, same.Cached, other.Rows, cut.Truncated = 7, true, [][]any{{2}}, true
	if of(a) != of(same) || of(a) == of(other) || of(a) == of(cut) {
		t.Error(of(a), of(same), of(other), of(cut))
	}
}

// Whatever ClickHouse has is something that JSON has.
func FuzzSafe(f *testing.F) {
	f.Add("x", 1.5, uint64(1)<<63)
	f.Add("\xff</script>", math.Inf(1), uint64(0))
	f.Fuzz(func(t *testing.T, text string, number float64, count uint64) {
		for _, value := range []any{text, number, float32(number), count, int64(count), []string{text}, map[string]float64{text: number}, &number, []any{text, number}, json.RawMessage(text)} {
			encoded, err := json.Marshal(safe(value, "String"))
			if err != nil || !json.Valid(encoded) {
				t.Fatalf("%T %v: %v", value, value, err)
			}
		}
	})
}

func TestAViewsSentenceIsTold(t *testing.T) {
	for sentence, want := range map[string][2]string{
		"audience: want live, all, or country:DE: while executing 'FUNCTION throwIf(x :: 1)'":                                               {"audience", "Want live, all, or country:DE."},
		"item: want the id of one walk-thru: while executing 'FUNCTION throwIf(_CAST(1_UInt8, 'UInt8'_String) :: 1, 'secret'_String :: 2)'": {"item", "Want the id of one walk-thru."},
		"Value passed to 'throwIf' function is non-zero: while executing 'FUNCTION throwIf(equals(__table1.account_id, 'secret'_String)'":   {"", "otherwise"},
	} {
		parameter, message := thrown(sentence, "otherwise")
		if parameter != want[0] || message != want[1] {
			t.Errorf("%s: %q %q", sentence, parameter, message)
		}
	}
}
