using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class FileSystemList : CliVerb
{
    private readonly Argument<PoolName?> _pool = Arguments.OnlyPool();

    public FileSystemList()
        : base("fs list", "List file systems, with their quota, what is used and where they are mounted.")
        => Add(_pool);

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        PoolName? asked = invocation.Parsed.GetValue(_pool);
        IReadOnlyList<FileSystemReport> all = await api.ListFileSystemsAsync(asked, cancellationToken);
        invocation.Answer(all, output => Table.Write(
            output, ["name", "kind", "quota", "used", "free", "reserved", "mounted"],
            all.Select(one => new[]
            {
                $"{one.Pool}/{one.Name}", one.Kind, one.Quota.ForPerson(), one.Used?.ForPerson() ?? "-", one.Free?.ForPerson() ?? "-",
                one.Reserved ? "yes" : "no", FileSystemText.Place(one),
            })));
        return asked is null ? await UnseenPools.TellAsync(invocation, api, cancellationToken) : ExitCodes.Success;
    }
}

internal sealed class FileSystemShow : CliVerb
{
    private readonly Argument<VolumeAddress> _name;

    public FileSystemShow()
        : base("fs show", "Show a file system: what it holds, where it is mounted, its layers, its snapshots.")
        => _name = Add(FileSystemOptions.Name());

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        VolumeAddress address = invocation.Parsed.GetValue(_name)!;
        FileSystemReport one = await api.GetFileSystemAsync(await Addresses.PoolOfAsync(address, api, cancellationToken), address.Volume, cancellationToken);
        invocation.Answer(one, output =>
        {
            output.WriteLine($"name      {one.Pool}/{one.Name}");
            output.WriteLine($"id        {one.Id}");
            output.WriteLine($"kind      {one.Kind}, {one.Traits}");
            output.WriteLine($"quota     {one.Quota.ForPerson()}{(one.Reserved ? ", all of it kept free for it" : one.Reservation is { Bytes: > 0 } kept ? $", {kept.ForPerson()} of it kept free for it" : "")}, {one.Allocated.ForPerson()} taken of the pool");
            output.WriteLine($"used      {one.Used?.ForPerson() ?? "-"}, {one.Free?.ForPerson() ?? "-"} free{(one.Files is long files ? $", {files} files, {one.FreeFiles} more can be made" : "")}");
            output.WriteLine($"mounted   {FileSystemText.Place(one)}");
            output.WriteLine($"layers    {string.Join(", ", one.Layers)}");
            foreach (SnapshotReport snapshot in one.Snapshots)
            {
                output.WriteLine($"snapshot  {one.Name}@{snapshot.Label}, {snapshot.Created:u}, {snapshot.Size.ForPerson()}");
            }
        });
        return ExitCodes.Success;
    }
}

/// <summary>How a place is told.</summary>
internal static class FileSystemText
{
    internal static string Place(FileSystemReport one)
        => one.Mounted ? $"{one.MountPoint}{(one.ReadOnly ? " (to read only)" : "")}" : one.Wanted ? $"no, and is to be at {one.MountPoint}" : "no";
}
