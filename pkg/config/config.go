// Package config loads a service's settings: defaults in Go, then a strict YAML file, then environment variables.
//
// A setting's environment name is WAYMARK_<SERVICE>_<PATH>, where PATH is its path in the file, joined by underscores
// and in upper case: kafka.brokers of the sink is WAYMARK_SINK_KAFKA_BROKERS. Lists are written with commas. Keys of maps
// (regions) must be single lower-case words. A key of the file or a variable of that prefix that names no setting is an
// error: a typing mistake in a setting must not pass for its default. Errors name line and path, never a value: it may be a secret.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Validator checks its own values. The error names the field and the accepted range.
type Validator interface{ Validate() error }

// Load fills dst, which holds the defaults, from file (none when empty) and from environ ("NAME=value" lines, as
// os.Environ gives them), and validates the result.
func Load(dst Validator, service, file string, environ []string) error {
	doc := &yaml.Node{Kind: yaml.MappingNode}
	if file != "" {
		read, err := readYAML(file)
		if err != nil {
			return err
		}
		if read != nil {
			doc = read
		}
	}
	if err := applyEnvironment(doc, dst, prefix(service), environ); err != nil {
		return err
	}
	if err := decode(doc, dst); err != nil {
		return fmt.Errorf("settings of %s: %w", service, err)
	}
	if err := ReadSecrets(dst); err != nil {
		return err
	}
	if err := dst.Validate(); err != nil {
		return fmt.Errorf("settings of %s: %w", service, err)
	}
	return nil
}

// Print writes cfg as YAML with secrets hidden.
func Print(w io.Writer, cfg any) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(cfg); err != nil {
		return fmt.Errorf("print settings: %w", err)
	}
	return enc.Close()
}

// DecodeFile reads one YAML file strictly into dst: unknown keys and further documents are errors. Secrets stay as they stand there: see ReadSecrets.
func DecodeFile(file string, dst any) error {
	doc, err := readYAML(file)
	if err != nil || doc == nil {
		return err
	}
	if err := decode(doc, dst); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func prefix(service string) string {
	return "WAYMARK_" + strings.ToUpper(service) + "_"
}

// readYAML returns the mapping at the top of file, or nil when the file is empty.
func readYAML(file string) (*yaml.Node, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", file, syntax(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document", file)
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil, nil
	}
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: line %d: want a mapping of settings", file, top.Line)
	}
	return top, nil
}
