"""What formats call the texts of tags, and the names of Vorbis comments for them."""

from __future__ import annotations

# Names that mutagen's easy classes leave out.
ID3_TEXTS = {"TKEY": "initialkey", "TDRL": "releasedate", "TOAL": "originalalbum", "TOPE": "originalartist"}
MP4_TEXTS = {"\xa9wrt": "composer", "\xa9lyr": "lyrics", "cpil": "compilation"}
APE_TEXTS = {"year": "date", "track": "tracknumber", "disc": "discnumber", "album artist": "albumartist",
             "publisher": "organization"}  # fmt: skip
ASF_TEXTS = {
    "Title": "title", "Author": "artist", "Copyright": "copyright", "Description": "comment",
    "WM/AlbumTitle": "album", "WM/AlbumArtist": "albumartist", "WM/Year": "date", "WM/Genre": "genre",
    "WM/TrackNumber": "tracknumber", "WM/PartOfSet": "discnumber", "WM/Composer": "composer",
    "WM/Conductor": "conductor", "WM/Writer": "lyricist", "WM/Lyrics": "lyrics", "WM/ISRC": "isrc",
    "WM/Publisher": "organization", "WM/BeatsPerMinute": "bpm", "WM/Mood": "mood", "WM/Language": "language",
    "MusicBrainz/Album Id": "musicbrainz_albumid", "MusicBrainz/Artist Id": "musicbrainz_artistid",
    "MusicBrainz/Track Id": "musicbrainz_trackid",
}  # fmt: skip
CHUNK_TEXTS = {
    b"INAM": "title", b"IART": "artist", b"IPRD": "album", b"ICRD": "date", b"IGNR": "genre",
    b"ICMT": "comment", b"ICOP": "copyright", b"ITRK": "tracknumber", b"IPRT": "tracknumber",
    b"ISRC": "source", b"IMUS": "composer", b"IWRI": "lyricist", b"IENG": "engineer", b"ITCH": "encodedby",
    b"IKEY": "keywords", b"ILNG": "language", b"ISBJ": "subject", b"IMED": "media",
    b"IARL": "archivallocation", b"ICMS": "commissioned",
    b"NAME": "title", b"AUTH": "artist", b"(c) ": "copyright", b"ANNO": "comment",
}  # fmt: skip
COUNTED = {"tracknumber": "tracktotal", "discnumber": "disctotal"}
