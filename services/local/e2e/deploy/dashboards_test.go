package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Datasource  source `json:"datasource"`
	GridPos     struct{ H, W, X, Y int }
	Targets     []struct {
		RefID      string `json:"refId"`
		Datasource source `json:"datasource"`
		Expr       string `json:"expr"`
		RawSQL     string `json:"rawSql"`
		Legend     string `json:"legendFormat"`
	} `json:"targets"`
}

type dashboard struct {
	file       string
	UID        string `json:"uid"`
	Title      string `json:"title"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Datasource source `json:"datasource"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

func dashboards(t *testing.T) (all []dashboard) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "deploy/grafana/dashboards/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := dashboard{file: filepath.Base(file)}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(d.Panels) < 10 {
			t.Errorf("%s: only %d panels", file, len(d.Panels))
		}
		all = append(all, d)
	}
	if len(all) < 5 {
		t.Fatalf("only %d dashboards", len(all))
	}
	return all
}

// SQL is run in e2e/access.
func TestDashboardsNameMetricsThatExist(t *testing.T) {
	known := registered(t)
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: %s asks for nothing", d.file, p.Title)
			}
			for _, target := range p.Targets {
				if target.Datasource.UID != p.Datasource.UID {
					t.Errorf("%s: %s asks %q of %q", d.file, p.Title, target.RefID, target.Datasource.UID)
				}
				if p.Datasource.UID != "prometheus" {
					continue
				}
				for _, err := range checkExpression(target.Expr, known) {
					t.Errorf("%s: %s: %v", d.file, p.Title, err)
				}
				if err := checkLegend(target.Legend, target.Expr); err != nil {
					t.Errorf("%s: %s: %v", d.file, p.Title, err)
				}
			}
		}
		for _, variable := range d.Templating.List {
			if variable.Datasource.UID != "prometheus" {
				continue
			}
			selected, found := strings.CutPrefix(variable.Definition, "label_values(")
			metric, label, _ := strings.Cut(strings.TrimSuffix(selected, ")"), ", ")
			if !found || label != variable.Name {
				t.Errorf("%s: variable %s is %s", d.file, variable.Name, variable.Definition)
			}
			for _, err := range checkExpression(metric, known) {
				t.Errorf("%s: variable %s: %v", d.file, variable.Name, err)
			}
		}
	}
}

// What a query names with $ is one of the dashboard's variables, or Grafana's own.
func TestDashboardsVariablesExist(t *testing.T) {
	for _, d := range dashboards(t) {
		names := make(map[string]bool)
		for _, variable := range d.Templating.List {
			names[variable.Name] = true
		}
		used := make(map[string]bool)
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				for _, use := range variable.FindAllStringSubmatch(target.Expr+target.RawSQL, -1) {
					if used[use[1]] = true; !names[use[1]] && !strings.HasPrefix(use[1], "__") {
						t.Errorf("%s: %s names a variable %s", d.file, p.Title, use[1])
					}
				}
			}
		}
		for name := range names {
			if !used[name] {
				t.Errorf("%s: nothing uses variable %s", d.file, name)
			}
		}
	}
}

func TestDashboardsPanelsLieBesideEachOther(t *testing.T) {
	uids := make(map[string]string)
	for _, d := range dashboards(t) {
		if other, there := uids[d.UID]; there {
			t.Errorf("%s has the uid of %s", d.file, other)
		}
		uids[d.UID] = d.file
		taken, ids, last := make(map[[2]int]string), make(map[int]bool), ""
		for _, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: %s: id %d stands twice", d.file, p.Title, p.ID)
			}
			ids[p.ID] = true
			if last == "row" && p.Type == "row" {
				t.Errorf("%s: nothing is above row %s", d.file, p.Title)
			}
			last = p.Type
			if at := p.GridPos; at.X < 0 || at.W < 1 || at.H < 1 || at.X+at.W > 24 {
				t.Errorf("%s: %s lies outside the grid", d.file, p.Title)
			}
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					if other, there := taken[cell]; there {
						t.Fatalf("%s: %s covers %s", d.file, p.Title, other)
					}
					taken[cell] = p.Title
				}
			}
		}
	}
}

func TestDashboardsReadProvisionedDatasources(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "deploy/grafana/provisioning/datasources/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	provisioned := make(map[source]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var of struct {
			Datasources []struct {
				UID      string         `yaml:"uid"`
				Type     string         `yaml:"type"`
				JSONData map[string]any `yaml:"jsonData"`
			} `yaml:"datasources"`
		}
		if err := yaml.Unmarshal(text, &of); err != nil {
			t.Fatal(err)
		}
		for _, one := range of.Datasources {
			provisioned[source{one.Type, one.UID}] = true
			// One that changes rows would lend its rights to everybody who may look at a dashboard.
			if user, says := one.JSONData["username"]; says && user != "grafana" {
				t.Errorf("%s logs in as %s, who is no reader of deploy/clickhouse/readers.xml", one.UID, user)
			}
		}
	}
	used := make(map[source]bool)
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			if used[p.Datasource] = true; !provisioned[p.Datasource] {
				t.Errorf("%s: %s reads %v, which is not provisioned", d.file, p.Title, p.Datasource)
			}
		}
	}
	if len(used) != len(provisioned) {
		t.Errorf("dashboards read %v, provisioned are %v", used, provisioned)
	}
}
