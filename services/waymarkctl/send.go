package waymarkctl

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/waymark-events/waymark/services/waymarkctl/internal/send"
)

type sendCommand struct {
	File string `arg:"" help:"NDJSON, one event a line; - for standard input."`
	Key  string `help:"Write key of the account." required:"" env:"WAYMARK_WRITE_KEY"`
	Edge string `help:"Base URL of the edge. Default as in the settings." placeholder:"URL"`
}

// Run fails when any event was rejected, after sending all.
func (c *sendCommand) Run(env *environment) error {
	in := env.stdin
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	edge := env.cfg.Edge
	if c.Edge != "" {
		edge = c.Edge
	}
	sender := send.Sender{
		Client: &http.Client{Timeout: 30 * time.Second}, URL: edge, WriteKey: c.Key,
		Report: func(line int, r send.Result) {
			fmt.Fprintf(env.stderr, "line %d: %s %s: %s\n", line, r.Code, r.Path, r.Message)
		},
	}
	total, err := sender.Send(env.ctx, in)
	fmt.Fprintf(env.stdout, "accepted %d, rejected %d", total.Accepted, total.Rejected)
	if total.Ignored > 0 {
		fmt.Fprintf(env.stdout, ", ignored %d", total.Ignored)
	}
	fmt.Fprintln(env.stdout)
	if err == nil && total.Rejected > 0 {
		err = fmt.Errorf("%d events were rejected", total.Rejected)
	}
	return err
}
