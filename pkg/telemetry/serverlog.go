package telemetry

import (
	"log"
	"regexp"
	"strings"

	"go.uber.org/zap"
)

// ServerLog is what an http.Server complains to (its ErrorLog): failed accepts and handshakes, handlers that broke down. Each complaint is
// a line of log at error, without the addresses of clients, which are personal.
func ServerLog(to *zap.Logger) *log.Logger { return log.New(complaints{to}, "", 0) }

type complaints struct{ log *zap.Logger }

// clientAddress is how net/http writes one: "serving 192.0.2.1:443", "error from [2001:db8::1]:443".
var clientAddress = regexp.MustCompile(`(serving|from) (\[[0-9A-Fa-f:.%a-z]+\]|[0-9.]+):[0-9]+`)

// Write is called once for each complaint.
func (c complaints) Write(text []byte) (int, error) {
	line, stack, broke := strings.Cut(strings.TrimSpace(clientAddress.ReplaceAllString(string(text), "$1 a client")), "\n")
	if broke { // of a panic the stack follows; net/http has recovered it
		c.log.Error("an HTTP handler broke down", zap.String("complaint", line), zap.String("stack", stack))
	} else {
		c.log.Error("the HTTP server complains", zap.String("complaint", line))
	}
	return len(text), nil
}
