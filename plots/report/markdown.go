package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the page as Markdown. It refers to the charts by the File
// of each figure, and leaves out what only a page that computes can show.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n## %s\n\n", inline(r.Title), inline(r.Subtitle), inline(r.Verdict))
	for _, sentence := range r.Answer {
		fmt.Fprintf(&b, "%s\n\n", inline(sentence))
	}
	if len(r.Headline) > 0 {
		rows := [][]string{{"", "now", "then"}}
		for _, h := range r.Headline {
			rows = append(rows, []string{h.Name, h.Before, h.After})
		}
		table(&b, rows)
	}
	if r.Patch != "" {
		fmt.Fprintf(&b, "### The patch\n\n%s\n", fenced("yaml", r.Patch))
	}
	if len(r.Reasons) > 0 {
		b.WriteString("## Why these values\n\n")
		for _, reason := range r.Reasons {
			binding := ""
			if reason.Binding != "" {
				binding = fmt.Sprintf(" (bound by %s)", inline(reason.Binding))
			}
			fmt.Fprintf(&b, "- `%s %s`%s: %s\n", reason.Field, reason.Value, binding, inline(reason.Sentence))
		}
		b.WriteString("\n")
	}
	for _, f := range r.Figures {
		sentence := inline(f.Chart.Sentence())
		fmt.Fprintf(&b, "## %s\n\n![%s](%s)\n\n%s\n\n", inline(f.Heading), sentence, f.File, sentence)
	}
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "## %s\n\n", inline(t.Title))
		table(&b, t.Rows)
	}
	list(&b, "Assumed, for want of anything said", r.Assumed)
	if r.Inputs != nil {
		fmt.Fprintf(&b, "## %s\n\n", inline(r.Inputs.Title))
		table(&b, r.Inputs.Rows)
	}
	list(&b, "How the model is known to be right", r.Validation)
	list(&b, "Notes", r.Notes)
	fmt.Fprintf(&b, "## The same numbers again\n\n%s\nprobesim %s, seed %d.\n", fenced("sh", strings.Join(r.Reproduce, "\n")+"\n"), inline(r.Version), r.Seed)
	_, err := io.WriteString(w, b.String())
	return err
}

func list(b *strings.Builder, heading string, sentences []string) {
	if len(sentences) == 0 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", heading)
	for _, sentence := range sentences {
		fmt.Fprintf(b, "- %s\n", inline(sentence))
	}
	b.WriteString("\n")
}

func table(b *strings.Builder, rows [][]string) {
	for i, row := range rows {
		cells := make([]string, len(rows[0]))
		for j := range cells {
			if j < len(row) {
				cells[j] = strings.ReplaceAll(inline(row[j]), "|", "\\|")
			}
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
		if i == 0 {
			b.WriteString(strings.Repeat("| --- ", len(cells)) + "|\n")
		}
	}
	b.WriteString("\n")
}

// inline keeps what people wrote in manifests from becoming markup.
var inline = strings.NewReplacer("\n", " ", "*", "\\*", "_", "\\_", "<", "&lt;", ">", "&gt;", "`", "\\`", "[", "\\[", "]", "\\]").Replace

// fenced encloses text in a fence that it does not hold itself.
func fenced(language, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + text + fence + "\n"
}
