package edge

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/waymark-events/waymark/schemas"
)

// described are the OpenAPI document's paths, and the codes that it has of refusals.
func described(t *testing.T) (paths, codes []string) {
	t.Helper()
	var doc struct {
		Paths      map[string]yaml.Node
		Components struct {
			Schemas struct {
				RefusalCode struct{ Enum []string } `yaml:"RefusalCode"`
			}
		}
	}
	if err := yaml.Unmarshal(schemas.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(doc.Paths)), doc.Components.Schemas.RefusalCode.Enum
}

func TestTheDocumentIsServed(t *testing.T) {
	ask := func(method string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, documentPath, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		withDocument(http.NotFoundHandler()).ServeHTTP(w, r)
		return w
	}
	w := ask(http.MethodGet)
	if w.Code != http.StatusOK || w.Body.String() != string(schemas.OpenAPI) {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
	for name, want := range map[string]string{
		"Content-Type": "application/yaml", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if again := ask(http.MethodGet, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("the same again: %d", again.Code)
	}
	if head := ask(http.MethodHead); head.Code != http.StatusOK || head.Body.Len() > 0 {
		t.Errorf("HEAD: %d, %d bytes", head.Code, head.Body.Len())
	}
	if paths, _ := described(t); !slices.Contains(paths, documentPath) {
		t.Error("it does not describe itself")
	}
}

// Every code that a refusal can have stands in the document, and no other. They are read from the sources: a code is the second argument of Refuse,
// or stands where the others of keys and limits do.
func TestTheDocumentHasEveryCodeOfARefusal(t *testing.T) {
	_, said := described(t)
	refused, literals := map[string]bool{}, map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), "internal", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if len(n.Args) == 3 && isRefuse(n.Fun) {
					if code, ok := literal(n.Args[1]); ok {
						refused[code] = true
					}
				}
			case *ast.BasicLit:
				if text, ok := literal(n); ok {
					literals[text] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(refused) < 15 {
		t.Errorf("only %d codes were found: %v", len(refused), refused)
	}
	for code := range refused {
		if !slices.Contains(said, code) {
			t.Errorf("%s is not in the document", code)
		}
	}
	for _, code := range said {
		if !literals[code] {
			t.Errorf("%s is in the document, and nobody refuses with it", code)
		}
	}
}

func isRefuse(called ast.Expr) bool {
	switch called := called.(type) {
	case *ast.SelectorExpr:
		return called.Sel.Name == "Refuse"
	case *ast.Ident:
		return called.Name == "Refuse"
	}
	return false
}

// literal is a string's text.
func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
