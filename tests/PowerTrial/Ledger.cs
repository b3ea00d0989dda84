using System.Collections.Immutable;
using System.Text;

namespace EveStorage.PowerTrial;

/// <summary>What a volume or a snapshot holds: of each page which write it has, all others being zeros.</summary>
/// <param name="MebiBytes">Its size.</param>
/// <param name="Pages">The number of the last write to a page.</param>
internal sealed record Content(int MebiBytes, ImmutableSortedDictionary<int, int> Pages)
{
    internal const int PageSize = 4096;

    /// <summary>The size in pages.</summary>
    internal int Count => MebiBytes * ((1 << 20) / PageSize);

    /// <summary>Zeros.</summary>
    internal static Content Empty(int mebiBytes) => new(mebiBytes, ImmutableSortedDictionary<int, int>.Empty);

    /// <summary>The same with pages of one more write.</summary>
    internal Content With(int write, IEnumerable<int> pages) => this with { Pages = Pages.SetItems(pages.Select(page => KeyValuePair.Create(page, write))) };

    /// <summary>The bytes of a page.</summary>
    internal byte[] PageAt(int page) => Pages.TryGetValue(page, out int write) ? Page(write, page) : new byte[PageSize];

    /// <summary>What a write writes to a page: like no other.</summary>
    internal static byte[] Page(int write, int page)
    {
        string text = $"{LineOf(write, page)}\n";
        return Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(text, (PageSize / text.Length) + 1)))[..PageSize];
    }

    /// <summary>The line that such a page is full of.</summary>
    internal static string LineOf(int write, int page) => $"page {page} as write {write} has it";

    /// <summary>All of it.</summary>
    internal void WriteTo(Stream stream)
    {
        for (int page = 0; page < Count; page++)
        {
            stream.Write(PageAt(page));
        }
    }
}

/// <summary>A volume as it has to be.</summary>
internal sealed record KeptVolume(Content Now, bool Encrypted)
{
    /// <summary>Its snapshots, by label.</summary>
    internal ImmutableSortedDictionary<string, Content> Snapshots { get; init; } = ImmutableSortedDictionary.Create<string, Content>(StringComparer.Ordinal);
}

/// <summary>All that was acknowledged of a pool: what has to be there after a power cut.</summary>
internal sealed record Ledger
{
    /// <summary>Whether the pool is made.</summary>
    internal bool HasPool { get; init; }

    /// <summary>Its volumes, by name.</summary>
    internal ImmutableSortedDictionary<string, KeptVolume> Volumes { get; init; } = ImmutableSortedDictionary.Create<string, KeptVolume>(StringComparer.Ordinal);

    /// <summary>Everything but what the volumes hold, in one line.</summary>
    internal string Shape
        => HasPool ? string.Join(' ', Volumes.Select(volume => Describe(volume.Key, volume.Value.Now.MebiBytes, volume.Value.Snapshots.Keys))).Trim() : "no pool";

    /// <summary>One volume in that line.</summary>
    internal static string Describe(string name, long mebiBytes, IEnumerable<string> snapshots)
        => $"{name}:{mebiBytes}{string.Concat(snapshots.Order(StringComparer.Ordinal).Select(label => $"@{label}"))}";

    internal Ledger With(string name, KeptVolume volume) => this with { Volumes = Volumes.SetItem(name, volume) };
}
