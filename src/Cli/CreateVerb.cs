using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli;

/// <summary>A verb that makes a volume of some form, and can be content with one that is there.</summary>
internal abstract class CreateVerb : ChangeVerb
{
    private readonly string _growVerb;
    private readonly Option<bool> _ifMissing = new("--if-missing") { Description = "Be content with one that is there and is as large." };

    /// <inheritdoc cref="CliVerb(string, string)"/>
    /// <param name="path">What a person types.</param>
    /// <param name="description">What it does.</param>
    /// <param name="growVerb">The verb that makes one larger that is there.</param>
    protected CreateVerb(string path, string description, string growVerb)
        : base(path, description) => _growVerb = growVerb;

    /// <summary>Adds <c>--if-missing</c>, the last of its options.</summary>
    protected void AddIfMissing() => Add(_ifMissing);

    /// <summary>The size of one that is there; null when none is.</summary>
    protected abstract Task<ByteSize?> FindSizeAsync(VolumeChange asked, IStorageApi api, CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected sealed override async Task<bool> IsThereAsync(ParseResult parsed, IStorageApi api, ChangeRequest request, CancellationToken cancellationToken)
    {
        if (!parsed.GetValue(_ifMissing) || await FindSizeAsync((VolumeChange)request, api, cancellationToken) is not ByteSize there)
        {
            return false;
        }

        ByteSize asked = request is CreateFileSystem fileSystem ? fileSystem.Size : ((CreateVolume)request).Size;
        return there < asked
            ? throw new StorageException(StorageErrorKind.Conflict, request.Subject, $"is there with {there}, less than {asked}: `evestorage {_growVerb}` grows it")
            : true;
    }
}
