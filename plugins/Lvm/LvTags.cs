using System.Globalization;

namespace EveStorage.Lvm;

/// <summary>
/// What we write on a volume group or a logical volume, as LVM's tags: they change in the same commit of LVM's metadata as
/// the object itself. lvm(8): a tag has letters, digits and <c>_+.-/=!:&amp;#</c>.
/// </summary>
internal sealed class LvTags
{
    /// <summary>The tag on all that we make, by which LVM itself can select.</summary>
    internal const string Owner = OwnerMark.Us;

    private readonly HashSet<string> _all;

    private LvTags(IEnumerable<string> all) => _all = new(all, StringComparer.Ordinal);

    /// <summary>The operation that made it.</summary>
    internal Guid? Operation => GuidOf("operation");

    /// <summary>Whether it is ours.</summary>
    internal bool IsOurs => _all.Contains(Owner) && Operation is not null;

    /// <summary>Who made it; null when it is not ours.</summary>
    internal OwnerMark? Mark => IsOurs ? OwnerMark.Of(Operation!.Value) : null;

    /// <summary>Its own id: of a volume, a snapshot, a pool.</summary>
    internal Guid? Id => GuidOf("id");

    /// <summary>The operation that is still making it; it is no volume until then.</summary>
    internal Guid? Making => GuidOf("making");

    /// <summary>The operation whose rollback has put it aside.</summary>
    internal Guid? Replaced => GuidOf("replaced");

    /// <summary>The operation that rolled it back last, and to which snapshot.</summary>
    internal string? Rolled => this["rolled"];

    /// <summary>The volume that a snapshot froze.</summary>
    internal Guid? Of => GuidOf("of");

    /// <summary>A snapshot's name in its volume.</summary>
    internal string? Label => this["label"];

    /// <summary>When a snapshot was taken.</summary>
    internal DateTimeOffset? Created
        => long.TryParse(this["created"], NumberStyles.None, CultureInfo.InvariantCulture, out long ticks) ? DateTimeOffset.FromUnixTimeMilliseconds(ticks) : null;

    /// <summary>The last change in place, by which operation; what was before stands in <see cref="FromName"/> or <see cref="FromSize"/>.</summary>
    internal Guid? ChangedBy => GuidOf("changed-by");

    /// <summary>The name that it had before the last change.</summary>
    internal string? FromName => this["from-name"];

    /// <summary>The size that it had before the last change.</summary>
    internal ByteSize? FromSize
        => long.TryParse(this["from-size"], NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? new(bytes) : null;

    /// <summary>All of a value's tag: <c>evestorage.label=before</c> for <c>label</c>.</summary>
    internal string? this[string key]
    {
        get
        {
            string start = Tag(key, "");
            return _all.FirstOrDefault(tag => tag.StartsWith(start, StringComparison.Ordinal))?[start.Length..];
        }
    }

    /// <summary>Reads LVM's list of tags.</summary>
    internal static LvTags Read(string list) => new(list.Split(',', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>A tag of ours with a value.</summary>
    internal static string Tag(string key, object value) => string.Create(CultureInfo.InvariantCulture, $"{Owner}.{key}={value}");

    /// <summary>The tag on all that one operation makes.</summary>
    internal static string OperationTag(Guid operation) => Tag("operation", operation);

    /// <summary>The tags of what <paramref name="operation"/> makes, with its id.</summary>
    internal static string[] New(Guid operation, Guid id) => [Owner, OperationTag(operation), Tag("id", id)];

    /// <summary>The tags that replace those of the last change, as words for lvchange.</summary>
    internal IEnumerable<string> NoteWords(Guid operation, string key, object before)
    {
        string[] note = [Tag("changed-by", operation), Tag(key, before)];
        IEnumerable<string> old = _all.Where(tag => IsNote(tag) && !note.Contains(tag));
        return [.. old.SelectMany(tag => (string[])["--deltag", tag]), .. note.SelectMany(tag => (string[])["--addtag", tag])];
    }

    private static bool IsNote(string tag)
        => Array.Exists(["changed-by", "from-name", "from-size"], key => tag.StartsWith(Tag(key, ""), StringComparison.Ordinal));

    private Guid? GuidOf(string key) => Guid.TryParse(this[key], out Guid id) ? id : null;
}
