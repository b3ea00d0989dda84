using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace EveStorage.Qcow2Import;

/// <summary>"Header extensions": what of them an import needs. They lie in the first cluster, behind the header.</summary>
internal sealed class Qcow2Extensions
{
    private const uint BackingFormatType = 0xe2792aca;
    private const uint FeatureNamesType = 0x6803f857;
    private const uint BitmapsType = 0x23852875;
    private const uint DataFileType = 0x44415441;
    private const int PrefixLength = 8;
    private const int FeatureLength = 48;
    private const int BitmapsLength = 24;
    private const int MaxExtensions = 64;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<(ulong Bit, string Name)> _featureNames = [];

    /// <summary>The name of the backing file; null when there is none.</summary>
    internal string? BackingName { get; private set; }

    /// <summary>The format of the backing file; null when it is not said.</summary>
    internal string? BackingFormat { get; private set; }

    /// <summary>The name of the file that has the data. Without the feature bit it means nothing.</summary>
    internal string? DataFileName { get; private set; }

    /// <summary>How many dirty bitmaps there are. An import drops them.</summary>
    internal uint Bitmaps { get; private set; }

    /// <summary>Reads them, and the backing file's name behind them.</summary>
    /// <param name="cluster">The first cluster, or what the file has of it.</param>
    /// <param name="header">The header.</param>
    /// <param name="subject">The image.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: one is longer than its place, or there twice.</exception>
    internal static Qcow2Extensions Parse(ReadOnlySpan<byte> cluster, Qcow2Header header, string subject)
    {
        Qcow2Extensions extensions = new();
        int end = header.BackingNameOffset != 0 ? Math.Min(header.BackingNameOffset, cluster.Length) : cluster.Length;
        HashSet<uint> seen = [];
        for (int at = header.Length; at <= end - PrefixLength;)
        {
            uint type = BinaryPrimitives.ReadUInt32BigEndian(cluster[at..]);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(cluster[(at + sizeof(uint))..]);
            at += PrefixLength;
            if (type == 0)
            {
                break;
            }

            if (length > (uint)(end - at))
            {
                throw Corrupt(subject, $"has a header extension 0x{type:x8} of {length} bytes, longer than its place");
            }

            if (!seen.Add(type) || seen.Count > MaxExtensions)
            {
                throw Corrupt(subject, seen.Count > MaxExtensions ? $"has more than {MaxExtensions} header extensions" : $"has a header extension 0x{type:x8} twice");
            }

            extensions.Take(type, cluster.Slice(at, (int)length), subject);
            at += ((int)length + 7) & ~7;   // at most a cluster, which is 2 MiB
        }

        if (header.BackingNameOffset != 0)
        {
            extensions.BackingName = header.BackingNameOffset <= cluster.Length - header.BackingNameLength
                ? TextOf(cluster.Slice(header.BackingNameOffset, header.BackingNameLength), "backing file", subject)
                : throw Corrupt(subject, "ends within the name of its backing file");
        }

        return extensions;
    }

    /// <summary>The names that the image itself has for features.</summary>
    internal IEnumerable<string> NamesOf(Qcow2Features features)
        => _featureNames.Where(feature => ((ulong)features & feature.Bit) != 0).Select(feature => feature.Name);

    private void Take(uint type, ReadOnlySpan<byte> content, string subject)
    {
        switch (type)
        {
            case BackingFormatType:
                BackingFormat = TextOf(content, "backing format", subject);
                break;
            case DataFileType:
                DataFileName = TextOf(content, "data file", subject);
                break;
            case FeatureNamesType:
                TakeFeatureNames(content);
                break;
            case BitmapsType:
                TakeBitmaps(content, subject);
                break;
            default:
                break;   // "Unknown extensions can be ignored"
        }
    }

    // Entries of a type (0 is incompatible), a bit and a name of 46 bytes. They only serve a message, so that a strange one is left out.
    private void TakeFeatureNames(ReadOnlySpan<byte> content)
    {
        for (; content.Length >= FeatureLength; content = content[FeatureLength..])
        {
            string name = Encoding.ASCII.GetString(content[2..FeatureLength]).TrimEnd('\0');
            if (content[0] == 0 && content[1] < 64 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is ' ' or '-' or '_' or '.'))
            {
                _featureNames.Add((1UL << content[1], name));
            }
        }
    }

    private void TakeBitmaps(ReadOnlySpan<byte> content, string subject)
    {
        Bitmaps = content.Length == BitmapsLength
            ? BinaryPrimitives.ReadUInt32BigEndian(content)
            : throw Corrupt(subject, $"has a bitmaps extension of {content.Length.ToString(CultureInfo.InvariantCulture)} bytes");
    }

    private static string TextOf(ReadOnlySpan<byte> bytes, string what, string subject)
    {
        try
        {
            string text = s_strict.GetString(bytes);
            return text.Length > 0 && !text.Any(char.IsControl) ? text : throw Corrupt(subject, $"has no name of a {what} where one should be");
        }
        catch (DecoderFallbackException)
        {
            throw Corrupt(subject, $"has a {what} whose name is no text");
        }
    }

    private static StorageException Corrupt(string subject, string message) => new(StorageErrorKind.Corrupt, subject, message);
}
