/** All that is remembered of keys, dropped together when a key, alias or grant changes. */
import { aliasArn, keyArn } from '../core/ids.js';
import type { Change, Scope } from '../store/port.js';
import type { GrantCache } from './grant-cache.js';
import type { KeyDirectory } from './key-directory.js';
import type { KeyReader } from './key-reader.js';
import type { Materials } from './materials.js';

export class KeyCaches {
  readonly directory: KeyDirectory;
  readonly reader: KeyReader;
  readonly materials: Materials;
  readonly grants: GrantCache;

  constructor(
    directory: KeyDirectory,
    reader: KeyReader,
    materials: Materials,
    grants: GrantCache,
  ) {
    this.directory = directory;
    this.reader = reader;
    this.materials = materials;
    this.grants = grants;
  }

  dropKey(scope: Scope, keyId: string): void {
    const arn = keyArn(scope.region, scope.account, keyId);
    this.reader.overtake(arn);
    this.grants.drop(arn);
    this.directory.dropKey(scope, keyId);
    this.materials.dropKey(scope.account, scope.region, keyId);
  }

  dropAlias(scope: Scope, name: string): void {
    this.reader.overtake(aliasArn(scope.region, scope.account, name));
    this.directory.dropAlias(scope, name);
  }

  clear(): void {
    this.reader.overtakeAll();
    this.directory.clear();
    this.materials.clear();
    this.grants.clear();
  }

  /** For the store's change feed. */
  readonly onChange = (change: Change | 'reset'): void => {
    if (change === 'reset') this.clear();
    else if (change.kind === 'key') this.dropKey(change, change.id);
    else if (change.kind === 'alias') this.dropAlias(change, change.id);
    else if (change.kind === 'grant') {
      this.grants.drop(keyArn(change.region, change.account, change.id));
    }
  };
}
