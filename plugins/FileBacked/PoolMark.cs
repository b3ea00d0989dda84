using System.Text.Json;
using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>What makes a directory a pool of ours: <c>pool.json</c>.</summary>
/// <param name="Format">1.</param>
/// <param name="Id">The pool's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Mark">Who made it, in which operation.</param>
/// <param name="MadeDirectory">Whether that operation made the directory too.</param>
/// <param name="FileSystem">The file system it was made on, and what was found out by trying there.</param>
/// <param name="SharesBlocks">Whether a copy there can share blocks: reflink.</param>
internal sealed record PoolMark(
    int Format, Guid Id, string Name, OwnerMark Mark, bool MadeDirectory, FileSystemKind FileSystem, bool SharesBlocks)
{
    private const int Members = 7;

    /// <summary>The pool's at <paramref name="path"/>; null when there is none.</summary>
    /// <exception cref="StorageException">A newer program wrote it, or it can't be read.</exception>
    internal static PoolMark? Read(string path) => Documents.Read(path, Of);

    // By hand, since each start reads it before the daemon is ready: of a serializer the runtime would compile 300 methods for it first.
    private static PoolMark Of(JsonElement json)
    {
        JsonElement mark = json.GetProperty("mark");
        return json.GetPropertyCount() == Members && mark.GetPropertyCount() == 2 && Enum.TryParse(typeof(FileSystemKind), Text(json, "fileSystem"), ignoreCase: true, out object? kind)
            ? new(
                json.GetProperty("format").GetInt32(),
                json.GetProperty("id").GetGuid(),
                Text(json, "name"),
                new(Text(mark, "owner"), mark.GetProperty("operation").GetGuid()),
                json.GetProperty("madeDirectory").GetBoolean(),
                (FileSystemKind)kind,
                json.GetProperty("sharesBlocks").GetBoolean())
            : throw new FormatException("It has other members, or names no file system that is known.");
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null.");
}
