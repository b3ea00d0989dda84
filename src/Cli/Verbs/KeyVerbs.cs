using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class KeyList() : CliVerb("key list", "List the names of the keys that are there. No verb shows a key.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IReadOnlyList<KeyName> keys = await (await invocation.OpenAsync(cancellationToken)).ListKeysAsync(cancellationToken);
        invocation.Answer(keys, output => Table.Write(output, ["key"], keys.Select(key => new[] { $"{key}" })));
        return ExitCodes.Success;
    }
}

internal sealed class KeyCreate : ChangeVerb
{
    private readonly Argument<KeyName> _key;
    private readonly Option<int?> _length = Arguments.NumberOption("--length", "How many random bytes; 32 without it. A secret of NVMe authentication has 32, 48 or 64.", "BYTES");

    public KeyCreate()
        : base("key create", "Make a key of random bytes where the profile keeps keys. One that is there stays as it is.\n\nExample: evestorage key create guest1")
    {
        _key = Add(Arguments.Key());
        Add(_length);
    }

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new CreateKey { Key = parsed.GetValue(_key), Length = parsed.GetValue(_length) });
}

internal sealed class KeyDelete : ChangeVerb
{
    private readonly Argument<KeyName> _key;

    public KeyDelete()
        : base("key delete", "Remove a key. One that a pool, a volume or an export needs is refused.\n\nExample: evestorage key delete guest1 --yes", destroys: true)
        => _key = Add(Arguments.Key());

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new DeleteKey { Key = parsed.GetValue(_key) });
}
