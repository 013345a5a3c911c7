package libchdb

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Exception is an error of the engine, with ClickHouse's own number.
type Exception struct {
	Code    int    // such as 60
	Name    string // such as UNKNOWN_TABLE; may be empty
	Message string // the whole text without the "Code: 60. DB::Exception: " before it
}

func (e *Exception) Error() string {
	return fmt.Sprintf("Code: %d. DB::Exception: %s", e.Code, e.Message)
}

// UnknownException is ClickHouse's number for an error that has none.
const UnknownException = 1002

var (
	exceptionHead = regexp.MustCompile(`Code: (\d+)\. DB::(?:NetException|ParsingException|Exception): `)
	exceptionName = regexp.MustCompile(`\(([A-Z][A-Z0-9_]+)\)\s*$`)
)

// parseException reads the text of an error as libchdb gives it: "Code: 60. DB::Exception: Unknown table … (UNKNOWN_TABLE)".
func parseException(text string) *Exception {
	text = strings.TrimSpace(text)
	head := exceptionHead.FindStringSubmatchIndex(text)
	if head == nil {
		return &Exception{Code: UnknownException, Name: "UNKNOWN_EXCEPTION", Message: text}
	}
	code, err := strconv.Atoi(text[head[2]:head[3]])
	if err != nil {
		code = UnknownException
	}
	e := &Exception{Code: code, Message: text[:head[0]] + text[head[1]:]}
	if name := exceptionName.FindStringSubmatch(e.Message); name != nil {
		e.Name = name[1]
	}
	return e
}
