package libchdb

import "testing"

func TestParseExceptionReadsTheEnginesText(t *testing.T) {
	for text, want := range map[string]Exception{
		"Code: 60. DB::Exception: Unknown table 'a'. (UNKNOWN_TABLE)\n":                   {60, "UNKNOWN_TABLE", "Unknown table 'a'. (UNKNOWN_TABLE)"},
		"Error: Code: 62. DB::Exception: Syntax error (Multi-statements). (SYNTAX_ERROR)": {62, "SYNTAX_ERROR", "Error: Syntax error (Multi-statements). (SYNTAX_ERROR)"},
		"Code: 210. DB::NetException: refused":                                            {210, "", "refused"},
		"Code: 99999999999999999999. DB::Exception: x":                                    {UnknownException, "", "x"},
		"Failed to parse INSERT query":                                                    {UnknownException, "UNKNOWN_EXCEPTION", "Failed to parse INSERT query"},
	} {
		if got := *parseException(text); got != want {
			t.Errorf("%q gives %+v, want %+v", text, got, want)
		}
	}
}
