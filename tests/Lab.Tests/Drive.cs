namespace EveStorage.Tests;

/// <summary>A drive of a guest: a file here, on a bus there. It outlives the guest, and may be given to the next one.</summary>
internal sealed record Drive(string File, string Bus, string Serial)
{
    public bool IsReadOnly { get; init; }

    /// <summary>Makes an empty one.</summary>
    public static Drive Make(string directory, string serial, ByteSize size, string bus = "virtio")
    {
        string file = Path.Combine(directory, serial + ".img");
        using FileStream made = new(file, FileMode.CreateNew);
        made.SetLength(size.Bytes);
        return new(file, bus, serial);
    }

    /// <summary>The word that `lab` takes for it.</summary>
    public override string ToString() => $"{File},{Bus},{Serial}{(IsReadOnly ? ",ro" : "")}";
}
