using EveStorage.Conformance;

namespace EveStorage.Host.Checks;

/// <summary>
/// Something that is not the plugin's, in the place that a person gave for the check: a file in a directory, and on a device what
/// ext2 is known by. It is put there before there is a pool, and taken away so that all is as it was.
/// </summary>
internal static class ForeignThing
{
    /// <summary>What fits <paramref name="place"/>; null where nothing does.</summary>
    internal static IForeignThing? For(string place)
        => !Path.IsPathRooted(place) ? null
            : File.Exists(place) ? new Signature(place)
            : new Possession(place, made: !Directory.Exists(place));

    private sealed class Possession(string directory, bool made) : IForeignThing
    {
        private const string Content = "somebody's\n";

        private readonly string _file = Path.Combine(directory, "somebodys");

        public async ValueTask PutAsync(CancellationToken cancellationToken)
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            await File.WriteAllTextAsync(_file, Content, cancellationToken);
        }

        public async ValueTask<bool> IsThereAsync(CancellationToken cancellationToken)
            => File.Exists(_file) && await File.ReadAllTextAsync(_file, cancellationToken) == Content
                && Directory.EnumerateFileSystemEntries(directory).Count(entry => Path.GetFileName(entry) != "lost+found") == 1;

        public ValueTask RemoveAsync(CancellationToken cancellationToken)
        {
            File.Delete(_file);
            if (made && Directory.Exists(directory))
            {
                Directory.Delete(directory);   // and not what else a plugin may have put there
            }

            return ValueTask.CompletedTask;
        }
    }

    private sealed class Signature(string device) : IForeignThing
    {
        // s_magic of the superblock, which begins at 1024: ext4(5), linux/magic.h.
        private const int Block = 4096;
        private const int MagicAt = 1024 + 56;

        private byte[] _before = [];

        public ValueTask PutAsync(CancellationToken cancellationToken)
        {
            _before = Read();
            byte[] marked = [.. _before];
            (marked[MagicAt], marked[MagicAt + 1]) = (0x53, 0xEF);
            Write(marked);
            return ValueTask.CompletedTask;
        }

        public ValueTask<bool> IsThereAsync(CancellationToken cancellationToken) => new(Read() is [.., _] now && now[MagicAt] == 0x53 && now[MagicAt + 1] == 0xEF);

        public ValueTask RemoveAsync(CancellationToken cancellationToken)
        {
            Write(_before);
            return ValueTask.CompletedTask;
        }

        private byte[] Read()
        {
            using FileStream file = new(device, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] block = new byte[Block];
            file.ReadExactly(block);
            return block;
        }

        private void Write(byte[] block)
        {
            using FileStream file = new(device, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            file.Write(block);
            file.Flush(flushToDisk: true);
        }
    }
}
