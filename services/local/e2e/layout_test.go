// Package e2e holds the tests that need more than one service, one folder each, inprocess, which runs the services for them, and this one about
// the layout itself.
package e2e

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/waymark-events/waymark/"

type listedPackage struct {
	ImportPath string
	Imports    []string
}

// packages lists the packages of the modules that production binaries are built from.
func packages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"schemas/...", module+"pkg/...", module+"services/...")
	cmd.Stderr = nil
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listedPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages listed", len(all))
	}
	return all
}

// service returns the name of the service that a package belongs to, or "".
func service(path string) string {
	rest, found := strings.CutPrefix(path, module+"services/")
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func TestServicesDoNotImportEachOther(t *testing.T) {
	for _, p := range packages(t) {
		from := service(p.ImportPath)
		for _, imported := range p.Imports {
			to := service(imported)
			if to != "" && from != to && from != "local" {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

func TestOnePackageOwnsEachClientLibrary(t *testing.T) {
	owners := map[string]string{
		"github.com/segmentio/kafka-go":           module + "pkg/kafka",
		"github.com/ClickHouse/clickhouse-go/v2":  module + "pkg/clickhouse",
		"github.com/oschwald/maxminddb-golang/v2": module + "pkg/geo",
		"github.com/ua-parser/uap-go":             module + "pkg/useragent",
		"github.com/minio/minio-go/v7":            module + "services/waymarkctl/internal/export",
	}
	for _, p := range packages(t) {
		if service(p.ImportPath) == "local" { // stands in for the servers, and so speaks their protocols
			continue
		}
		for _, imported := range p.Imports {
			for library, owner := range owners {
				if (imported == library || strings.HasPrefix(imported, library+"/")) && !strings.HasPrefix(p.ImportPath+"/", owner+"/") {
					t.Errorf("%s imports %s, which is %s's", p.ImportPath, imported, owner)
				}
			}
		}
	}
}

// What moves events makes no topic and sets no group's offsets: that is an operator's to do.
func TestOnlyOperatorsToolsAdministerKafka(t *testing.T) {
	const administers = module + "pkg/kafka/admin"
	used := false
	for _, p := range packages(t) {
		by := service(p.ImportPath)
		for _, imported := range p.Imports {
			if imported != administers {
				continue
			}
			used = true
			if by != "waymarkctl" && by != "local" {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
	if !used {
		t.Errorf("nothing imports %s: is it called that?", administers)
	}
}

func TestEventIsALeaf(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != module+"pkg/event" {
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, module) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

func TestEmbeddedEnginesStayOutOfProduction(t *testing.T) {
	for _, p := range packages(t) {
		if service(p.ImportPath) == "local" {
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "github.com/twmb/") || strings.HasPrefix(imported, "github.com/ebitengine/purego") {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}
