package deploy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A metric as the code registers it.
type metric struct {
	histogram bool
	labels    []string
}

// registered reads the metrics out of the source text of pkg and services: every prometheus.<Kind>Opts that names one.
func registered(t *testing.T) map[string]metric {
	t.Helper()
	found := make(map[string]metric)
	for _, dir := range []string{"pkg", "services"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			if entry != nil && entry.IsDir() && entry.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(node ast.Node) bool {
				if call, isCall := node.(*ast.CallExpr); isCall {
					collect(found, call)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d metrics found", len(found))
	}
	return found
}

// collect takes prometheus.NewXVec(prometheus.XOpts{Name: "…", ConstLabels: …}, []string{labels}) apart.
func collect(found map[string]metric, call *ast.CallExpr) {
	if len(call.Args) == 0 {
		return
	}
	opts, isLiteral := call.Args[0].(*ast.CompositeLit)
	if !isLiteral {
		return
	}
	kind, isQualified := opts.Type.(*ast.SelectorExpr)
	if !isQualified || !strings.HasSuffix(kind.Sel.Name, "Opts") {
		return
	}
	var name string
	m := metric{histogram: kind.Sel.Name == "HistogramOpts"}
	for _, element := range opts.Elts {
		field, isField := element.(*ast.KeyValueExpr)
		if !isField {
			continue
		}
		switch key, _ := field.Key.(*ast.Ident); key.Name {
		case "Name":
			name = text(field.Value)
		case "ConstLabels":
			m.labels = append(m.labels, texts(field.Value)...)
		}
	}
	if len(call.Args) > 1 {
		m.labels = append(m.labels, texts(call.Args[1])...)
	}
	if name != "" {
		found[name] = m
	}
}

func text(e ast.Expr) string {
	literal, isLiteral := e.(*ast.BasicLit)
	if !isLiteral || literal.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return value
}

// texts are the strings of a list, or the keys of a map.
func texts(e ast.Expr) []string {
	list, isList := e.(*ast.CompositeLit)
	if !isList {
		return nil
	}
	var out []string
	for _, element := range list.Elts {
		if pair, isPair := element.(*ast.KeyValueExpr); isPair {
			element = pair.Key
		}
		out = append(out, text(element))
	}
	return out
}
