package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/probesim/probesim/sim/lint"
)

// The part of SARIF 2.1.0 that lint writes.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string             `json:"id"`
		ShortDescription     sarifText          `json:"shortDescription"`
		DefaultConfiguration sarifConfiguration `json:"defaultConfiguration"`
		Properties           map[string]any     `json:"properties"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]any     `json:"properties,omitempty"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical  `json:"physicalLocation"`
		LogicalLocations []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
	sarifSuppression struct {
		Kind string `json:"kind"`
	}
)

// sarif returns the findings in the format of code scanning tools.
func (r *lintResult) sarif() *sarifLog {
	index := map[string]int{}
	driver := sarifDriver{Name: "probesim", InformationURI: "https://github.com/probesim/probesim"}
	for i, rule := range lint.Rules() {
		index[rule.ID] = i
		driver.Rules = append(driver.Rules, sarifRule{
			ID: rule.ID, ShortDescription: sarifText{rule.Title}, DefaultConfiguration: sarifConfiguration{sarifLevel(rule.Severity)},
			Properties: map[string]any{"tags": append([]string{"kubernetes", "probes"}, rule.Cites...)},
		})
	}
	results := []sarifResult{}
	for i := range r.Findings {
		f := &r.Findings[i]
		result := sarifResult{
			RuleID: f.ID, RuleIndex: index[f.ID], Level: sarifLevel(f.Severity),
			Message: sarifText{fmt.Sprintf("%s, container %s: %s: %s. Fix: %s", f.Workload, f.Container, f.Path, f.Message, f.Fix)},
			Locations: []sarifLocation{{
				PhysicalLocation: sarifPhysical{ArtifactLocation: sarifArtifact{sarifURI(f.File)}},
				LogicalLocations: []sarifLogical{{strings.TrimPrefix(strings.Join([]string{f.Namespace, f.Workload, f.Container, f.Path}, "/"), "/")}},
			}},
		}
		if f.Line > 0 {
			result.Locations[0].PhysicalLocation.Region = &sarifRegion{f.Line}
		}
		if f.Suppressed {
			result.Suppressions = []sarifSuppression{{"inSource"}}
		}
		if f.Number != nil {
			result.Properties = map[string]any{"number": f.Number, "assumed": f.Assumed}
		}
		results = append(results, result)
	}
	return &sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: results}},
	}
}

func sarifLevel(s lint.Severity) string {
	if s == lint.Info {
		return "note"
	}
	return s.String()
}

// sarifURI is a file's name as a relative or file URI.
func sarifURI(file string) string {
	u := url.URL{Path: strings.ReplaceAll(strings.Trim(file, "<>"), `\`, "/")}
	if strings.HasPrefix(u.Path, "/") {
		u.Scheme = "file"
	}
	return u.String()
}
