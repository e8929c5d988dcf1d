package plots

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/image/font/sfnt"
)

// subsetFont returns a TrueType font that holds the glyphs of the given
// characters alone, without hinting: some 30 kB where the whole of Liberation
// Sans has 400 kB, so that a page of charts can carry its fonts with it.
// Characters the font lacks are left out. The format is that of the OpenType
// specification 1.9, chapters glyf, loca, cmap and otff.
func subsetFont(source []byte, parsed *sfnt.Font, characters []rune) ([]byte, error) {
	tables, err := readTables(source)
	if err != nil {
		return nil, err
	}
	s := subsetter{tables: tables, number: map[uint16]uint16{}}
	s.long = binary.BigEndian.Uint16(tables["head"][50:]) == 1
	s.add(0) // .notdef
	var mapped []rune
	var buffer sfnt.Buffer
	characters = slices.Compact(slices.Sorted(slices.Values(characters)))
	for _, character := range characters {
		index, err := parsed.GlyphIndex(&buffer, character)
		if err == nil && index != 0 && character <= 0xffff {
			s.add(uint16(index))
			mapped = append(mapped, character)
		}
	}
	numbers := make([]uint16, len(mapped))
	for i, character := range mapped {
		index, err := parsed.GlyphIndex(&buffer, character)
		if err != nil {
			return nil, err
		}
		numbers[i] = s.number[uint16(index)]
	}
	return s.build(mapped, numbers), nil
}

// readTables splits a font file into its tables.
func readTables(source []byte) (map[string][]byte, error) {
	tables := map[string][]byte{}
	if len(source) < 12 {
		return nil, fmt.Errorf("a font of %d bytes has no table directory", len(source))
	}
	for i := range int(binary.BigEndian.Uint16(source[4:])) {
		record := source[12+16*i:]
		offset, length := binary.BigEndian.Uint32(record[8:]), binary.BigEndian.Uint32(record[12:])
		tables[string(record[:4])] = source[offset : offset+length]
	}
	for _, name := range []string{"head", "hhea", "hmtx", "maxp", "loca", "glyf", "OS/2", "name"} {
		if tables[name] == nil {
			return nil, fmt.Errorf("the font has no table %s", name)
		}
	}
	return tables, nil
}

// subsetter collects glyphs under new numbers, in the order of their addition.
type subsetter struct {
	tables map[string][]byte
	long   bool              // loca holds 32 bit offsets
	number map[uint16]uint16 // new number of an old glyph
	glyphs []uint16          // old number of a new glyph
}

// add adds a glyph, and the glyphs it is composed of.
func (s *subsetter) add(old uint16) {
	if _, known := s.number[old]; known {
		return
	}
	s.number[old] = uint16(len(s.glyphs))
	s.glyphs = append(s.glyphs, old)
	glyph := s.outline(old)
	eachComponent(glyph, func(offset int, _ uint16) {
		s.add(binary.BigEndian.Uint16(glyph[offset+2:]))
	})
}

// outline returns the description of a glyph; a space has none.
func (s *subsetter) outline(old uint16) []byte {
	loca, glyf := s.tables["loca"], s.tables["glyf"]
	if s.long {
		return glyf[binary.BigEndian.Uint32(loca[4*int(old):]):binary.BigEndian.Uint32(loca[4*int(old)+4:])]
	}
	return glyf[2*int(binary.BigEndian.Uint16(loca[2*int(old):])) : 2*int(binary.BigEndian.Uint16(loca[2*int(old)+2:]))]
}

// The flags of a component of a composite glyph.
const (
	argumentsAreWords = 0x0001
	hasScale          = 0x0008
	moreComponents    = 0x0020
	hasTwoScales      = 0x0040
	hasTwoByTwo       = 0x0080
	hasInstructions   = 0x0100
)

// eachComponent calls f with the offset and the flags of each component of a
// composite glyph, and returns where the last one ends.
func eachComponent(glyph []byte, f func(offset int, flags uint16)) (end int) {
	const header = 10 // number of contours, below 0 for a composite, and the bounding box
	if len(glyph) < header || int16(binary.BigEndian.Uint16(glyph)) >= 0 {
		return 0
	}
	for offset := header; ; {
		flags := binary.BigEndian.Uint16(glyph[offset:])
		f(offset, flags)
		offset += 6
		if flags&argumentsAreWords != 0 {
			offset += 2
		}
		switch {
		case flags&hasScale != 0:
			offset += 2
		case flags&hasTwoScales != 0:
			offset += 4
		case flags&hasTwoByTwo != 0:
			offset += 8
		}
		if flags&moreComponents == 0 {
			return offset
		}
	}
}

// rewritten returns a glyph's description with its components renumbered and
// its hinting instructions cut out.
func (s *subsetter) rewritten(old uint16) []byte {
	glyph := slices.Clone(s.outline(old))
	if len(glyph) == 0 {
		return nil
	}
	end := eachComponent(glyph, func(offset int, flags uint16) {
		binary.BigEndian.PutUint16(glyph[offset:], flags&^hasInstructions)
		binary.BigEndian.PutUint16(glyph[offset+2:], s.number[binary.BigEndian.Uint16(glyph[offset+2:])])
	})
	if end == 0 {
		at := 10 + 2*int(binary.BigEndian.Uint16(glyph)) // behind the ends of the contours
		length := int(binary.BigEndian.Uint16(glyph[at:]))
		binary.BigEndian.PutUint16(glyph[at:], 0)
		glyph = slices.Delete(glyph, at+2, at+2+length)
		end = len(glyph)
	}
	for glyph = glyph[:end]; len(glyph)%4 != 0; {
		glyph = append(glyph, 0)
	}
	return glyph
}

// build writes the font file.
func (s *subsetter) build(characters []rune, numbers []uint16) []byte {
	var glyf, loca, hmtx []byte
	wide := int(binary.BigEndian.Uint16(s.tables["hhea"][34:])) // glyphs with a width of their own
	for _, old := range s.glyphs {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		glyf = append(glyf, s.rewritten(old)...)
		bearing := 4*int(old) + 2
		if int(old) >= wide {
			bearing = 4*wide + 2*(int(old)-wide)
		}
		width := 4 * min(int(old), wide-1)
		hmtx = append(hmtx, s.tables["hmtx"][width:width+2]...)
		hmtx = append(hmtx, s.tables["hmtx"][bearing:bearing+2]...)
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))

	head := slices.Clone(s.tables["head"])
	binary.BigEndian.PutUint32(head[8:], 0)  // checksum of the file, filled in last
	binary.BigEndian.PutUint16(head[50:], 1) // 32 bit offsets
	hhea := slices.Clone(s.tables["hhea"])
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(s.glyphs)))
	maxp := slices.Clone(s.tables["maxp"])
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(s.glyphs)))
	post := make([]byte, 32)
	copy(post, s.tables["post"])
	binary.BigEndian.PutUint32(post, 0x00030000) // without names of glyphs
	return assemble([]table{
		{"OS/2", s.tables["OS/2"]}, {"cmap", characterMap(characters, numbers)}, {"glyf", glyf}, {"head", head}, {"hhea", hhea},
		{"hmtx", hmtx}, {"loca", loca}, {"maxp", maxp}, {"name", s.tables["name"]}, {"post", post},
	})
}

// characterMap writes a cmap of format 4 from characters in ascending order to
// the numbers of their glyphs, one segment for each character.
func characterMap(characters []rune, numbers []uint16) []byte {
	segments := len(characters) + 1
	var ends, starts, deltas, offsets []byte
	for i, character := range characters {
		ends = binary.BigEndian.AppendUint16(ends, uint16(character))
		starts = binary.BigEndian.AppendUint16(starts, uint16(character))
		deltas = binary.BigEndian.AppendUint16(deltas, numbers[i]-uint16(character))
		offsets = append(offsets, 0, 0)
	}
	ends, starts, deltas, offsets = append(ends, 0xff, 0xff), append(starts, 0xff, 0xff), append(deltas, 0, 1), append(offsets, 0, 0)
	power, log := 1, 0
	for 2*power <= segments {
		power, log = 2*power, log+1
	}
	cmap := []byte{0, 0, 0, 1, 0, 3, 0, 1, 0, 0, 0, 12} // one map: Windows, Unicode BMP
	for _, value := range []int{4, 16 + 8*segments, 0, 2 * segments, 2 * power, log, 2 * (segments - power)} {
		cmap = binary.BigEndian.AppendUint16(cmap, uint16(value))
	}
	cmap = append(append(cmap, ends...), 0, 0)
	return append(append(append(cmap, starts...), deltas...), offsets...)
}

// table is one table of a font file.
type table struct {
	name string
	data []byte
}

// assemble writes the tables, in the order of their names, with the directory
// and the checksums.
func assemble(tables []table) []byte {
	power, log := 1, 0
	for 2*power <= len(tables) {
		power, log = 2*power, log+1
	}
	file := []byte{0, 1, 0, 0}
	for _, value := range []int{len(tables), 16 * power, log, 16 * (len(tables) - power)} {
		file = binary.BigEndian.AppendUint16(file, uint16(value))
	}
	offset := len(file) + 16*len(tables)
	headAt := 0
	for _, t := range tables {
		if t.name == "head" {
			headAt = offset
		}
		file = append(file, t.name...)
		file = binary.BigEndian.AppendUint32(file, checksum(t.data))
		file = binary.BigEndian.AppendUint32(file, uint32(offset))
		file = binary.BigEndian.AppendUint32(file, uint32(len(t.data)))
		offset += (len(t.data) + 3) / 4 * 4
	}
	for _, t := range tables {
		file = append(file, t.data...)
		for len(file)%4 != 0 {
			file = append(file, 0)
		}
	}
	binary.BigEndian.PutUint32(file[headAt+8:], 0xb1b0afba-checksum(file))
	return file
}

// checksum adds up a table as 32 bit numbers, filled up with zeros.
func checksum(data []byte) uint32 {
	var sum uint32
	for i := 0; i < len(data); i += 4 {
		var word [4]byte
		copy(word[:], data[i:])
		sum += binary.BigEndian.Uint32(word[:])
	}
	return sum
}
