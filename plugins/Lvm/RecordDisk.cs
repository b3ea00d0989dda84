using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>The logical volume of the records.</summary>
internal sealed class RecordDisk : IRecordDisk, IDisposable
{
    private readonly BlockFile _file;

    internal RecordDisk(string path, string subject)
    {
        _file = BlockFile.Open(path, writable: true, subject);
        Length = BlockDevice.GetSize(path).Bytes;
    }

    public long Length { get; }

    public void Read(long offset, Span<byte> destination) => _file.Read(offset, destination);

    public void Write(long offset, ReadOnlySpan<byte> source) => _file.Write(offset, source);

    public void Flush() => _file.Flush();

    public void Dispose() => _file.Dispose();
}
