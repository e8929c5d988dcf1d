package model

import "strings"

// Nearest returns the word of the list that the given one is most likely a
// slip of, or "" where none is near: a third of its letters may be inserted,
// left out, changed or swapped, or two, or one of a very short word.
func Nearest(word string, words []string) string {
	allowed := max(2, len(word)/3)
	if len(word) < 4 {
		allowed = 1
	}
	best, bestDistance := "", allowed+1
	for _, candidate := range words {
		if strings.EqualFold(word, candidate) {
			return candidate
		}
		if distance := editDistance(strings.ToLower(word), strings.ToLower(candidate)); distance < bestDistance && distance < len(candidate) {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// editDistance is the number of letters to insert, delete, replace or swap
// with their neighbour that turn a into b (optimal string alignment). Words
// beyond 64 letters are no slips of a field name and count as far away.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			changed := 1
			if a[i-1] == b[j-1] {
				changed = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+changed)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
