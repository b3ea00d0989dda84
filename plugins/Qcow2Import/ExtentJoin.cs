namespace EveStorage.Qcow2Import;

/// <summary>Joins extents that go on where the one before ends, on the disk and in the file, so that they are read and written as one.</summary>
internal struct ExtentJoin
{
    // A long run is still read in pieces: this only bounds what one extent stands for.
    private const long MaxLength = 1L << 30;

    /// <summary>What was added and not given back yet.</summary>
    internal ImageExtent? Last { get; private set; }

    /// <summary>Adds an extent; gives back the one before when the two can't be joined.</summary>
    internal ImageExtent? Add(ImageExtent next)
    {
        if (Last is ImageExtent last && last.Kind == next.Kind && last.Encoding == ExtentEncoding.Plain && next.Encoding == ExtentEncoding.Plain
            && last.GuestOffset + last.Length == next.GuestOffset
            && (last.Kind != ExtentKind.Data || (last.SourceOffset + last.SourceLength == next.SourceOffset && last.Length + next.Length <= MaxLength)))
        {
            Last = last with { Length = last.Length + next.Length, SourceLength = last.SourceLength + next.SourceLength };
            return null;
        }

        ImageExtent? before = Last;
        Last = next;
        return before;
    }
}
